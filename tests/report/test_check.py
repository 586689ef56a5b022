"""Which findings are misses."""

from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.report import build_table, misses, results, summary


def table(bench: Any) -> Any:
    return build_table(results(bench.graph, bench.grid, bench.store), bench.grid)


def test_above_and_holes_are_no_misses(partial: Any) -> None:
    partial.score(32.0, 1000, labels=10, method="supervised", seed=0)
    partial.score(32.2, 1000, labels=10, method="supervised", seed=1)
    made = table(partial)
    assert misses(made) == []
    assert summary(made) == (
        "3 of 4 published values checked: 2 within, 1 above; 2 orderings: 1 holds, 1 open"
    )


def test_far_below_and_a_contradicted_ordering_are(partial: Any) -> None:
    for seed in (0, 1, 2):
        partial.score(13.0, 900, labels=1, method="guided", seed=seed)
        partial.score(17.0, 900, labels=1, method="supervised", seed=seed)
    below, ordering = misses(table(partial))
    assert below == (
        "COCO 1 % Ours_100%: 13.0 ± 0.0, published 21.5 (-8.5, below ±0.4), "
        "±0.6 for 4 numbers at once"
    )
    assert ordering == (
        "ordering fails: 1 %: Ours_100% 13.0 > Mask2Former 17.0 [sec. 4.2]: 0 of 1 pair holds, "
        "1 fails\n  Ours_100% 13.0 > Mask2Former 17.0: -4.0 ± 0.3"
    )


def test_one_number_of_many_outside_its_own_interval_is_chance(new_bench: Any) -> None:
    bench = new_bench()
    bench.score(13.1, 900, labels=1, method="supervised", seed=0)
    bench.score(20.8, 900, labels=1, method="guided", seed=0)  # -0.7 by ±0.6 alone, ±0.8 of four
    made = table(bench)
    assert made.rows[-1].entries[0].verdict == "below"
    assert misses(made) == []
    assert summary(made).endswith(
        "; 1 of them outside by no more than chance explains in a table of this size"
    )


def test_strict_wants_everything(partial: Any) -> None:
    partial.score(35.0, 1000, labels=10, method="supervised", seed=0)
    partial.score(36.0, 1000, labels=10, method="supervised", seed=1)
    found = misses(table(partial), strict=True)
    assert [line.split(": ")[0] for line in found] == [
        "COCO 10 % Mask2Former",  # above
        "COCO 1 % Ours_100%",  # 2 of 3 seeds
        "COCO 10 % Ours_100%",  # a hole
        "ordering open",
    ]
    assert "COCO 10 % Ours_100%: no number (✗ blocked)" in found
    assert "COCO 1 % Ours_100%: 2 of 3 scores are there" in found


@pytest.mark.parametrize(("ap", "code"), [(21.5, 0), (20.9, 0), (15.0, 1), (30.0, 0)])
def test_exit_codes(bench: Any, ap: float, code: int) -> None:
    bench.score(ap, 900, labels=1, method="guided", seed=0)
    assert script("collect", ["grids/grid.yaml", "--check"]) == code


def test_exit_code_of_a_number_above_with_strict(bench: Any) -> None:
    for axes in ({"labels": 1, "method": "guided"}, {"labels": 10, "method": "guided"}):
        bench.score(50.0, 900, seed=0, **axes)
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    assert script("collect", ["grids/grid.yaml", "--check", "--strict"]) == 1
