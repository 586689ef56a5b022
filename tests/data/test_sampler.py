import itertools
from collections import Counter

import pytest

from gdsweep.data import RepeatFactorSampler, UniformSampler, repeat_factors
from gdsweep.data.sampler import derived_seed
from gdsweep.errors import BadInput


def test_uniform_draws_every_image_once_an_epoch() -> None:
    indices = [3, 8, 9, 40, 41]
    sampler = UniformSampler(indices, 0, "labelled")
    epochs = [tuple(sampler.index_at(5 * e + k) for k in range(5)) for e in range(50)]
    assert all(sorted(epoch) == indices for epoch in epochs)
    assert len(set(epochs)) > 30
    first = Counter(epoch[0] for epoch in epochs)
    assert set(first) == set(indices)


@pytest.mark.parametrize("kind", ["uniform", "repeat-factor"])
def test_a_position_can_be_looked_up_in_any_order(kind: str) -> None:
    def make(seed: int = 1, stream: str = "labelled") -> UniformSampler | RepeatFactorSampler:
        if kind == "uniform":
            return UniformSampler(range(7), seed, stream)
        return RepeatFactorSampler(range(7), [1.5, 1, 1, 3.2, 1, 1, 2.9], seed, stream)

    ahead = [make().index_at(position) for position in range(100)]
    sampler = make()
    assert [sampler.index_at(position) for position in reversed(range(100))] == ahead[::-1]
    assert [make(seed=2).index_at(p) for p in range(100)] != ahead
    assert [make(stream="unlabelled").index_at(p) for p in range(100)] != ahead


def test_repeat_factor_draws_each_image_as_often_as_it_should() -> None:
    repeats = [1.0, 1.25, 3.7, 10.05, 2.0]
    sampler = RepeatFactorSampler([10, 11, 12, 13, 14], repeats, 0, "labelled")
    assert sampler.length == 18
    epochs = 2000
    drawn = Counter()
    for epoch in range(epochs):
        counts = Counter(sampler.index_at(epoch * 18 + k) for k in range(18))
        for place, repeat in enumerate(repeats):  # each epoch: its share rounded down or up
            assert abs(counts[10 + place] - repeat) <= 1
        drawn += counts
    for place, repeat in enumerate(repeats):
        assert drawn[10 + place] / epochs == pytest.approx(repeat, rel=0.02)


def test_the_rounding_does_not_favour_neighbours() -> None:
    # 4 images of repeat 1.5: the two that come twice are any two
    sampler = RepeatFactorSampler(range(4), [1.5] * 4, 0, "labelled")
    pairs = Counter()
    for epoch in range(600):
        counts = Counter(sampler.index_at(epoch * 6 + k) for k in range(6))
        pairs[tuple(sorted(i for i in counts if counts[i] == 2))] += 1
    assert len(pairs) == 6
    assert min(pairs.values()) > 60


def test_an_epoch_is_shuffled() -> None:
    sampler = RepeatFactorSampler(range(50), [2.0] * 50, 0, "labelled")
    order = [sampler.index_at(k) for k in range(100)]
    assert sum(a == b for a, b in itertools.pairwise(order)) < 20


class Labels:
    """Images by the classes they hold."""

    classes = ("common", "rare", "absent")

    def __init__(self, held: list[set[int]]) -> None:
        self.held = held

    def classes_of(self, index: int) -> frozenset[int]:
        return frozenset(self.held[index])


def test_repeat_factors_of_the_labelled_images() -> None:
    dataset = Labels([{0}, {0}, {0, 1}, {0}, set(), {1}])
    # of the first five, class 0 is in 4/5 and class 1 in 1/5; the sixth is not labelled
    factors = repeat_factors(dataset, [0, 1, 2, 3, 4], threshold=10.0)  # type: ignore[arg-type]
    common, rare = (10 / 0.8) ** 0.5, (10 / 0.2) ** 0.5
    assert factors == pytest.approx([common, common, rare, common, 1.0])
    # a small threshold repeats rare classes only
    factors = repeat_factors(dataset, [0, 1, 2, 3, 4], threshold=0.5)  # type: ignore[arg-type]
    assert factors == pytest.approx([1.0, 1.0, (0.5 / 0.2) ** 0.5, 1.0, 1.0])


def test_no_image_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no unlabelled image"):
        UniformSampler([], 0, "unlabelled")


def test_derived_seeds_are_distinct_and_stable() -> None:
    seeds = {derived_seed(s, "view", stream, p) for s in (0, 1) for stream in "ab" for p in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derived_seed(0, "order", "labelled", 3) == STABLE


STABLE = 5540050185569897528
