"""Claimed orderings against made-up numbers."""

from typing import Any

import pytest

from gdsweep.report import build_table, misses, results, wording
from gdsweep.report.orderings import Checked

GRID = """
title: Burn-in
axes:
  dataset: [coco]
  labels: [1, 10]
  method: [supervised, no-burn-in, standard-burn-in, guided]
settings:
  backbone: resnet50
  schedule: {iterations: 1000}
  distillation: {burn_in: 400}
table: {names: {method: {guided: Ours}}}
published: paper/table.yaml
"""
HEAD = (
    "source: S\ntables: {t: {columns: {labels: [1]}, rows: [{row: R, AP: [null]}]}}\norderings:\n"
)
RANKS = "[guided, [standard-burn-in, no-burn-in], supervised]"
CHAIN = f"{HEAD}  - {{axis: method, best_first: {RANKS}}}\n"


def check(bench: Any) -> list[Checked]:
    frame = results(bench.graph, bench.grid, bench.store)
    return list(build_table(frame, bench.grid).orderings)


def fill(bench: Any, labels: int, **numbers: float) -> None:
    for method, ap in numbers.items():
        bench.score(ap, 900, labels=labels, method=method.replace("_", "-"))


def test_every_place_of_the_grid_is_checked(new_bench: Any) -> None:
    bench = new_bench(GRID, CHAIN)
    fill(bench, 1, supervised=12.1, no_burn_in=16.9, standard_burn_in=19.3, guided=23.0)
    one, ten = check(bench)
    assert one == Checked(
        "holds", "1 %: Ours 23.0 > standard-burn-in 19.3 / no-burn-in 16.9 > supervised 12.1"
    )
    assert ten.outcome == "open"
    assert ten.text.endswith("(Ours: missing; standard-burn-in: missing; no-burn-in: missing; "
                             "supervised: missing)")  # fmt: skip


def test_the_worst_pair_decides(new_bench: Any) -> None:
    bench = new_bench(GRID, CHAIN)
    fill(bench, 1, supervised=17.0, no_burn_in=16.5, standard_burn_in=19.3, guided=23.0)
    fill(bench, 10, supervised=12.0, no_burn_in=16.9, standard_burn_in=22.8, guided=23.0)
    one, ten = check(bench)
    assert one.outcome == "fails"  # no-burn-in is below supervised by more than sqrt(2) * 0.2
    assert ten.outcome == "tie"  # 23.0 and 22.8 cannot be told apart


def test_a_hole_between_two_ranks_does_not_hide_them(new_bench: Any) -> None:
    bench = new_bench(GRID, CHAIN)
    fill(bench, 1, supervised=12.1, guided=11.0)
    one, _ = check(bench)
    assert one.outcome == "fails"
    assert "(standard-burn-in: missing; no-burn-in: missing)" in one.text


def test_an_ordering_the_grid_has_no_cells_for_is_absent(new_bench: Any) -> None:
    text = f"{HEAD}  - {{axis: backbone, best_first: [swin-large, resnet50], says: sec. 4.2}}\n"
    (found,) = check(new_bench(GRID, text))
    assert found == Checked(
        "absent", "swin-large > resnet50 [sec. 4.2]: the grid has no two of these", begun=False
    )


@pytest.mark.parametrize(("where", "count"), [("{labels: 10}", 1), ("{dataset: coco}", 2)])
def test_an_ordering_holds_where_it_is_claimed(new_bench: Any, where: str, count: int) -> None:
    text = f"{HEAD}  - {{axes: {where}, axis: method, best_first: [guided, supervised]}}\n"
    assert len(check(new_bench(GRID, text))) == count


def test_means_over_seeds_are_compared(partial: Any) -> None:
    one, ten = check(partial)
    assert one == Checked("holds", "1 %: Ours_100% 22.0 > Mask2Former 14.0 [sec. 4.2]")
    assert ten.outcome == "open"


def test_what_nobody_has_begun_is_only_counted(new_bench: Any) -> None:
    absent = "  - {axis: backbone, best_first: [swin-large, resnet50]}\n"
    bench = new_bench(GRID, CHAIN + absent)
    fill(bench, 1, supervised=12.1)
    made = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    (open_, text), *rest = wording.orderings(made)
    assert (open_, text.startswith("1 %: ")) == ("open", True)
    assert rest == [
        ("open", "1 more: none of their numbers is there"),
        ("absent", "1 more: this grid has no two of the values they compare"),
    ]
    assert [line.split(":")[0] for line in misses(made, strict=True)[-2:]] == ["ordering open"] * 2
