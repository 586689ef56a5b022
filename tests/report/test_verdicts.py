"""Verdicts on numbers beside published ones."""

import math
from pathlib import Path
from typing import Any

import pytest

from gdsweep.grid import Spread
from gdsweep.report import as_csv, as_notes, as_text, build_table, results
from gdsweep.report.verdicts import judge

PRIOR = Spread(squares=4 * 0.25, degrees=4)  # a standard deviation of 0.5: ±2.0 for single runs


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(20.0, "within"), (22.0, "within"), (18.0, "within"), (22.1, "above"), (17.9, "below")],
)
def test_single_runs(ours: float, verdict: str) -> None:
    assert judge(PRIOR, [ours], [20.0]).verdict == verdict


def test_the_mean_is_judged_and_not_a_seed() -> None:
    assert judge(PRIOR, [10.0, 30.0], [20.0]).verdict == "within"


def test_the_published_runs_noise_counts_however_many_seeds_we_have() -> None:
    found = judge(PRIOR, [20.0] * 100, [21.0])
    assert found.interval is not None
    # all our seeds agree: what is left is a published run's, with the pooled standard deviation
    assert found.interval.alone == pytest.approx(1.983 * math.sqrt(1 / 103) * math.sqrt(1.01), 1e-3)


def test_a_single_seed_of_which_nothing_is_known_is_open() -> None:
    found = judge(Spread(), [20.0], [20.0])
    assert (found.verdict, found.interval) == ("open", None)
    assert judge(Spread(), [19.0, 21.0], [20.0]).verdict == "within"


def test_two_published_values_are_one_measurement_of_more_runs() -> None:
    """Neither is the truth: what lies between them is within, and their mean is known better."""
    one, two = judge(PRIOR, [47.3], [47.9]), judge(PRIOR, [47.3], [47.9, 46.7])
    assert one.interval is not None
    assert two.interval is not None
    assert two.interval.alone / one.interval.alone == pytest.approx(math.sqrt(1.5 / 2))
    assert judge(Spread(0.4, 4), [47.9], [47.9, 46.7]).verdict == "within"
    assert judge(Spread(0.4, 4), [46.7], [47.9, 46.7]).verdict == "within"


def test_verdicts_of_a_store(partial: Any) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    said = {(r["labels"], r["method"]): r for r in frame.to_dict("records")}
    one = said[1, "supervised"]  # 12, 14, 16 for 13.5
    assert one["verdict"] == "within"
    prior = partial.grid.claims.spread("coco")
    by_hand = judge(prior, [12.0, 14.0, 16.0], [13.5], comparisons=4).interval
    assert by_hand is not None
    assert one["half_width"] == by_hand.alone
    assert one["half_width_together"] == by_hand.together > by_hand.alone
    assert said[10, "guided"]["verdict"] == ""  # a hole is no verdict
    assert math.isnan(said[10, "guided"]["half_width"])
    assert as_csv(frame).splitlines()[1].endswith(",within")


def test_a_published_file_states_the_noise(new_bench: Any) -> None:
    noise = "noise:\n  coco: {sd: 0.1, degrees: 30, because: we say so}\n"
    for text, verdict in (("", "within"), (noise, "above")):
        bench = new_bench(published=new_bench.PUBLISHED + text)
        bench.score(14.0, 900, labels=1, method="supervised", seed=0)
        table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
        assert table.rows[1].entries[0].verdict == verdict
    assert any(
        "COCO, 0.1 points (we say so; 30 degrees of freedom) and the scatter of our seeds" in line
        for line in table.remarks
    )


def test_a_data_set_of_which_nothing_is_known_says_so(new_bench: Any) -> None:
    bench = new_bench(
        new_bench.GRID.replace("coco", "shapes").replace("resnet50", "test_resnet"),
        new_bench.PUBLISHED.replace("coco", "shapes").replace("resnet50", "test_resnet"),
    )
    bench.score(14.0, 900, labels=1, method="supervised", seed=0)
    text = as_notes(build_table(results(bench.graph, bench.grid, bench.store), bench.grid))
    assert "13.5 (+0.5, not judged)" in text
    bench.score(14.2, 900, labels=1, method="supervised", seed=1)
    text = as_notes(build_table(results(bench.graph, bench.grid, bench.store), bench.grid))
    assert "13.5 (+0.6, within ±" in text
    assert "Noise between runs: COCO, the scatter of our seeds. What ours does" in text


TWICE = """
source: a paper
elsewhere: [other.yaml]
tables:
  3b:
    axes: {dataset: coco, backbone: resnet50, method: supervised}
    columns: {labels: [1, 10]}
    rows: [{row: R, AP: [47.9, 30.0]}]
"""
OTHER = """
source: a paper
tables:
  "7":
    axes: {dataset: coco, method: supervised, freeze_backbone: false}
    columns: {labels: [1, 10]}
    rows: [{row: Finetuned, axes: {backbone: resnet50}, AP: [46.7, 30.0]}]
"""


def test_a_quantity_that_is_printed_twice_is_judged_by_both(new_bench: Any) -> None:
    Path("grids/paper").mkdir(parents=True)
    Path("grids/paper/other.yaml").write_text(OTHER)
    bench = new_bench(published=TWICE)
    bench.score(47.5, 900, labels=1, method="supervised", seed=0)
    frame = results(bench.graph, bench.grid, bench.store)
    row = frame[(frame["labels"] == 1) & (frame["method"] == "supervised")].iloc[0]
    assert row["published"] == pytest.approx(47.3)
    table = build_table(frame, bench.grid)
    assert "≈ 47.9/46.7" in as_text(table)
    text = as_notes(table)
    assert "47.9 and 46.7 (+0.2, within ±" in text
    assert "ours minus the paper's; the mean of both where it prints two." in text


def test_cells_that_no_row_judges_say_why(new_bench: Any) -> None:
    quoted = """      - row: "Polite Teacher - R50 [9]"
        quoted: true
        unjudged: {axes: {method: guided}, because: its recipe is another}
        AP: [18.3, null]
"""
    plain = '      - {row: "Polite Teacher - R50 [9]", quoted: true, AP: [18.3, null]}\n'
    assert plain in new_bench.PUBLISHED
    bench = new_bench(published=new_bench.PUBLISHED.replace(plain, quoted))
    table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    said = "No verdict on Ours_100% by Polite Teacher - R50 [9] †: its recipe is another."
    assert said in table.remarks


def test_many_small_losses_are_told_together(new_bench: Any) -> None:
    """Each is within its interval; their mean is not zero."""
    bench = new_bench()
    places = ((1, "supervised", 13.5), (1, "guided", 21.5), (10, "supervised", 30.5))
    for loss, (labels, method, ap) in zip((0.4, 0.5, 0.3), places, strict=True):
        bench.score(ap - loss, 900, labels=labels, method=method, seed=0)
    table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    assert not any("On average" in line for line in table.remarks)
    bench.score(35.0 - 0.4, 900, labels=10, method="guided", seed=0)
    table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    assert {entry.verdict for row in table.rows for entry in row.entries} == {"", "within"}
    # 0.3, 0.4, 0.4, 0.5: a standard deviation of 0.0816, Student's 3.182 at three degrees, over 2
    assert "On average ours minus published: COCO -0.4 ± 0.1 over 4 numbers." in table.remarks
