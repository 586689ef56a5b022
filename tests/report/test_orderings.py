"""Claimed orderings against made-up numbers."""

from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.report import build_table, misses, results, wording
from gdsweep.report.intervals import interval_of_pairs
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
LINE = "[guided, standard-burn-in, supervised]"
CHAIN = f"{HEAD}  - {{axis: method, best_first: {RANKS}}}\n"


TABLE_4 = """
title: Table 4
axes:
  dataset: [cityscapes]
  labels: [5]
  method: [supervised, no-burn-in, fixed-teacher, standard-burn-in, guided]
settings: {backbone: resnet50}
published: paper/table.yaml
"""
TABLE_5 = """
title: Table 5
axes:
  dataset: [cityscapes]
  labels: [10]
  "method, lambda_u": [[supervised, 0], [guided, 0.1], [guided, 0.5], [guided, 2], [guided, 5]]
settings: {backbone: resnet50}
table: {rows: [dataset, labels], columns: [lambda_u]}
published: paper/table.yaml
"""


def paper(name: str) -> str:
    """A file of published values as it is shipped."""
    return (Path(__file__).parents[2] / "grids" / "paper" / f"{name}.yaml").read_text()


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
    assert (one.outcome, one.text) == (
        "holds",
        "1 %: Ours 23.0 > standard-burn-in 19.3 / no-burn-in 16.9 > supervised 12.1: "
        "5 of 5 pairs hold",
    )
    assert (ten.outcome, ten.begun) == ("open", False)
    assert ten.text.endswith(
        "0 of 5 pairs hold, 5 are open (Ours, standard-burn-in, no-burn-in, supervised: missing)"
    )


def test_table_4_in_reversed_order_fails_and_check_exits_with_1(
    new_bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps between neighbours are no more than noise; the ends are 10.9 points apart."""
    bench = new_bench(TABLE_4, paper("table4"))
    methods = ("guided", "standard_burn_in", "fixed_teacher", "no_burn_in", "supervised")
    published = (23.0, 19.3, 18.9, 16.9, 12.1)
    fill(bench, 5, **dict(zip(methods, published, strict=True)))
    assert check(bench)[0].failing == []
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    fill(bench, 5, **dict(zip(methods, reversed(published), strict=True)))
    (found,) = check(bench)
    assert found.outcome == "fails"
    assert "guided 12.1 > supervised 23.0: -10.9 ± 4.1" in [pair.text for pair in found.failing]
    assert len(found.pairs) == 10
    assert script("collect", ["grids/grid.yaml", "--check"]) == 1
    printed = capsys.readouterr().out
    assert "miss: ordering fails: 5 %: guided 12.1 > standard-burn-in 16.9" in printed
    assert "\n  guided 12.1 > supervised 23.0: -10.9 ± 4.1\n" in printed


def test_a_tie_in_the_middle_hides_no_lead(
    new_bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = new_bench(GRID, f"{HEAD}  - {{axis: method, best_first: {LINE}}}\n")
    fill(bench, 1, guided=23.0, standard_burn_in=22.8, supervised=18.0)
    one = check(bench)[0]
    assert one.outcome == "partly"
    assert [pair.outcome for pair in one.pairs] == ["tie", "holds", "holds"]
    assert ": 2 of 3 pairs hold, 1 is a tie" in one.text
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    # and no contradiction of 5 points either
    fill(bench, 1, guided=18.0, standard_burn_in=18.2, supervised=23.0)
    one = check(bench)[0]
    assert [pair.outcome for pair in one.pairs] == ["tie", "fails", "fails"]
    assert script("collect", ["grids/grid.yaml", "--check"]) == 1
    assert "guided" not in capsys.readouterr().err


def test_steps_that_add_up_fail_at_the_ends(new_bench: Any) -> None:
    """Each neighbouring step is a tie, the ends are further apart than chance explains."""
    bench = new_bench(GRID, f"{HEAD}  - {{axis: method, best_first: {LINE}}}\n")
    fill(bench, 1, guided=18.0, standard_burn_in=18.6, supervised=19.2)
    one = check(bench)[0]
    assert [pair.outcome for pair in one.pairs] == ["tie", "fails", "tie"]
    assert one.outcome == "fails"


def test_a_joint_axis_is_one_axis(new_bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Table 5: weight 0 is supervised training, and claimed to be the worst."""
    bench = new_bench(TABLE_5, paper("table5"))
    numbers = {0: 18.8, 0.1: 23.6, 0.5: 24.4, 2: 30.8, 5: 25.5}
    for weight, ap in numbers.items():
        bench.score(ap, 900, lambda_u=weight)
    (found,) = check(bench)
    assert found.text.startswith("10 %: guided 2 30.8 > guided 0.1 23.6 / guided 0.5 24.4 / ")
    assert "supervised 0 18.8 [sec. 4.3" in found.text
    assert ("guided 2 30.8", "supervised 0 18.8") in [(p.better, p.worse) for p in found.pairs]
    assert len(found.pairs) == 7
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    for weight, ap in numbers.items():
        bench.score({0: 36.0, 2: 24.0}.get(weight, ap), 900, lambda_u=weight)
    assert script("collect", ["grids/grid.yaml", "--check"]) == 1
    assert "guided 2 24.0 > supervised 0 36.0: -12.0" in capsys.readouterr().out


def test_a_hole_between_two_ranks_does_not_hide_them(new_bench: Any) -> None:
    bench = new_bench(GRID, CHAIN)
    fill(bench, 1, supervised=12.1, guided=11.0)
    one, _ = check(bench)
    assert one.outcome == "fails"
    assert "(standard-burn-in, no-burn-in: missing)" in one.text


def test_values_the_grid_lacks_are_told(new_bench: Any) -> None:
    """No claim is dropped in silence: neither one of a value, nor one of a place, nor a whole."""
    text = GRID.replace(", no-burn-in, standard-burn-in", "")
    bench = new_bench(text, CHAIN)
    fill(bench, 1, supervised=12.1, guided=23.0)
    assert check(bench)[0].text == (
        "1 %: Ours 23.0 > standard-burn-in / no-burn-in > supervised 12.1: 1 of 1 pair holds "
        "(standard-burn-in, no-burn-in: not in this grid)"
    )
    (one,) = check(new_bench(f"{text}except: [{{labels: 10}}, {{method: supervised}}]\n", CHAIN))
    assert (one.outcome, one.begun) == ("absent", False)
    assert one.text == (
        "1 %: Ours 23.0 > standard-burn-in / no-burn-in > supervised: this grid has Ours alone"
    )
    whole = (
        f"{HEAD}  - {{axis: backbone, best_first: [swin-large, swin-base-in1k], says: sec. 4}}\n"
    )
    (one,) = check(new_bench(GRID, whole))
    assert (one.outcome, one.text) == (
        "absent", "swin-large > swin-base-in1k [sec. 4]: this grid has no two of these",
    )  # fmt: skip


@pytest.mark.parametrize(("where", "count"), [("{labels: 10}", 1), ("{dataset: coco}", 2)])
def test_an_ordering_holds_where_it_is_claimed(new_bench: Any, where: str, count: int) -> None:
    text = f"{HEAD}  - {{axes: {where}, axis: method, best_first: [guided, supervised]}}\n"
    assert len(check(new_bench(GRID, text))) == count


def test_differences_are_those_of_equal_seeds(partial: Any) -> None:
    """Guided has seeds 0 and 1 (21, 23), supervised 0 to 2 (12, 14, 16): 9 and 9 ahead."""
    one, ten = check(partial)
    assert one.text == "1 %: Ours_100% 22.0 > Mask2Former 14.0 [sec. 4.2]: 1 of 1 pair holds"
    (pair,) = one.pairs
    assert pair.ahead == 9.0
    # no scatter at hand: 2 * 11 * 0.0847 known beforehand in twice the variance, one degree more
    prior = partial.grid.claims.spread("coco")
    expected = interval_of_pairs(prior, [9.0, 9.0])
    assert expected is not None
    assert pair.half_width == expected.alone
    assert ten.outcome == "open"


def test_one_seed_of_which_nothing_is_known_is_open(new_bench: Any) -> None:
    grid = GRID.replace("[coco]", "[shapes]").replace("resnet50", "test_resnet")
    bench = new_bench(f"{grid}", CHAIN)
    fill(bench, 1, supervised=12.1, no_burn_in=16.9, standard_burn_in=19.3, guided=23.0)
    one = check(bench)[0]
    assert (one.outcome, one.begun) == ("open", True)
    made = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    assert any("ordering open: 1 %" in line for line in misses(made, strict=True))


def test_what_nobody_has_begun_is_only_counted(new_bench: Any) -> None:
    absent = "  - {axis: backbone, best_first: [swin-large, resnet50]}\n"
    bench = new_bench(GRID, CHAIN + absent)
    fill(bench, 1, supervised=12.1)
    made = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    (open_, text), *rest = wording.orderings(made)
    assert (open_, text.startswith("1 %: ")) == ("open", True)
    assert [(outcome, text.split(": ")[0]) for outcome, text in rest] == [
        ("open", "10 %"),
        ("absent", "8 more"),
    ]
    assert [line.split(":")[0] for line in misses(made, strict=True)[-2:]] == ["ordering open"] * 2
