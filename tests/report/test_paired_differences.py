"""Paired differences, by hand-made scores."""

from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.report import (
    as_latex,
    as_markdown,
    as_text,
    paired_difference_table,
    paired_differences,
    results,
)
from gdsweep.report.intervals import interval_of_pairs
from gdsweep.report.tables import Table

ENTRY = """differences:
  - {of: {method: guided}, minus: {method: supervised}, metrics: [AP]}
"""


def asking(new_bench: Any) -> Any:
    """The usual grid, with `differences`; a score by method, percentage and seed."""
    bench = new_bench(new_bench.GRID + ENTRY)
    bench.put = lambda method, labels, seed, ap: bench.score(
        ap, 1000, method=method, labels=labels, seed=seed
    )
    return bench


def made(bench: Any) -> Table:
    frame = results(bench.graph, bench.grid, bench.store)
    return paired_difference_table(frame, bench.grid)


def test_mean_and_spread_of_paired_differences_by_hand(new_bench: Any) -> None:
    bench = asking(new_bench)
    for seed, (below, above) in enumerate([(12, 13), (14, 13.5), (16, 20)]):
        bench.put("supervised", 1, seed, below)
        bench.put("guided", 1, seed, above)
    one, ten = made(bench).rows[0].entries
    # +1, -0.5, +4: mean 1.5, squared deviations 0.25 + 4 + 6.25 over 2
    assert one.mean == 1.5
    assert round(one.spread**2, 9) == 5.25
    assert (one.above, one.done, one.of) == (2, 3, 3)
    assert (ten.mean, ten.hole) == (None, "–")
    # an interval by the scatter of the three and what is known beforehand of COCO
    interval = interval_of_pairs(bench.grid.claims.spread("coco"), [1.0, -0.5, 4.0])
    assert interval is not None
    assert one.half_width == interval.alone
    text = as_text(made(bench))
    assert f"{1.5 - interval.alone:+.1f} to {1.5 + interval.alone:+.1f}" in text
    assert "Ours_100% − Mask2Former Mask AP +1.5 ± 2.3 (2/3)" in " ".join(text.split())
    assert "+1.5 ± 2.3 (2/3)" in as_markdown(made(bench))
    assert r"+1.5$\pm$2.3 (2/3)" in as_latex(made(bench))


def test_a_pair_without_both_scores_is_counted_as_missing(new_bench: Any) -> None:
    bench = asking(new_bench)
    bench.put("supervised", 1, 0, 12)
    bench.put("supervised", 1, 1, 12)
    bench.put("guided", 1, 0, 11)
    (row,) = made(bench).rows
    assert "-1.0 (0/1, 2 missing)" in as_text(made(bench))
    assert row.entries[0].spread is None


def test_every_pair_has_a_row_with_both_runs(new_bench: Any) -> None:
    bench = asking(new_bench)
    bench.put("supervised", 10, 2, 30)
    bench.put("guided", 10, 2, 31.25)
    frame = paired_differences(results(bench.graph, bench.grid, bench.store), bench.grid)
    assert len(frame) == 6
    (row,) = frame[frame["points"].notna()].to_dict("records")
    assert (row["labels"], row["seed"], row["points"]) == (10, 2, 1.25)
    assert (row["value"], row["taken_away"]) == (31.25, 30)
    assert row["run"] != row["run_taken_away"]


def test_a_grid_that_asks_for_none_has_none(partial: Any) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    assert paired_differences(frame, partial.grid).empty


def test_collect_writes_them_beside_the_table(
    new_bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = asking(new_bench)
    bench.put("supervised", 1, 0, 12)
    bench.put("guided", 1, 0, 14)
    assert script("collect", ["grids/grid.yaml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Ours_100% − Mask2Former Mask AP +2.0 (1/1, 2 missing)" in said
    assert "95 % interval +1.4 to +2.6" in said
    names = sorted(path.name for path in Path("results").glob("*-differences*"))
    assert names == [f"grid-differences.{end}" for end in ("csv", "md", "tex", "txt")]
