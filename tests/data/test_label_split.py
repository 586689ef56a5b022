import itertools

import pytest

from gdsweep.config import ShapesData
from gdsweep.data import labelled_images, labelled_indices, open_dataset, unlabelled_indices
from gdsweep.errors import BadInput


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_splits_of_a_seed_are_nested(seed: int) -> None:
    percents = (0.1, 0.4, 1, 2, 5, 10, 30, 50, 100)
    splits = [labelled_indices(2975, percent, seed) for percent in percents]
    for smaller, larger in itertools.pairwise(splits):
        assert set(smaller) < set(larger)
    assert splits[-1] == list(range(2975))
    assert all(split == sorted(set(split)) for split in splits)


@pytest.mark.parametrize(
    ("n", "percent", "count"),
    [(2000, 5, 100), (117_266, 1, 1173), (118_287, 0.4, 473), (10, 1, 1), (3, 0.1, 1)],
)
def test_number_of_labelled_images(n: int, percent: float, count: int) -> None:
    assert len(labelled_indices(n, percent, 0)) == count


def test_seeds_draw_different_images_and_any_image_may_be_drawn() -> None:
    drawn = [index for seed in range(400) for index in labelled_indices(20, 10, seed)]
    counts = [drawn.count(index) for index in range(20)]
    assert len(drawn) == 800
    assert min(counts) > 20
    assert max(counts) < 65
    assert labelled_indices(20, 10, 3) == labelled_indices(20, 10, 3)


def test_pools() -> None:
    assert unlabelled_indices(5, [1, 3], "all") == [0, 1, 2, 3, 4]
    assert unlabelled_indices(5, [1, 3], "complement") == [0, 2, 4]
    assert unlabelled_indices(2, [0, 1], "complement") == []


def test_every_scene_may_be_labelled() -> None:
    train = open_dataset(ShapesData(name="shapes", train=40)).train
    assert labelled_images(train, 50, 7) == labelled_indices(40, 50, 7)


class Bare:
    """Images of which only some have an instance."""

    def __init__(self, trainable: list[int]) -> None:
        self._trainable = trainable

    def trainable(self) -> list[int]:
        return self._trainable


def test_images_without_targets_are_never_labelled() -> None:
    chosen = labelled_images(Bare([2, 5, 11, 40]), 50, 0)  # type: ignore[arg-type]
    assert len(chosen) == 2
    assert set(chosen) < {2, 5, 11, 40}
    with pytest.raises(BadInput, match="no instance to train on"):
        labelled_images(Bare([]), 50, 0)  # type: ignore[arg-type]
