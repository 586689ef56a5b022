"""A table of several metrics, side by side."""

from pathlib import Path
from typing import Any

import pytest

from gdsweep.report import (
    against,
    as_csv,
    as_html,
    as_latex,
    as_markdown,
    as_text,
    build_table,
    misses,
    paired_difference_table,
    receipts,
    results,
    series,
)
from gdsweep.report.verdicts import judge

SEVERAL = """
title: Two metrics
axes:
  dataset: [coco]
  labels: [1, 10]
  method: [supervised, guided]
  seed: [0, 1]
settings: {schedule: {iterations: 1000}, distillation: {burn_in: 400}}
table: {metrics: [AP, AP50], rows: [method], columns: [labels]}
differences: [{of: {method: guided}, minus: {method: supervised}}]
figure: {metric: AP50}
published: paper/table.yaml
"""
PUBLISHED = """
source: a paper
tables:
  t:
    axes: {dataset: coco}
    columns: {labels: [1, 10]}
    rows:
      - {row: Base, axes: {method: supervised}, AP: [13.5, 30.5], AP50: [26, null]}
      - {row: Others, quoted: true, AP: [18.3, null], AP50: [31.5, 50]}
"""


@pytest.fixture
def bench(new_bench: Any) -> Any:
    made = new_bench(SEVERAL, PUBLISHED)
    for seed, supervised, guided in ((0, 13.0, 21.0), (1, 14.0, 22.0)):  # AP50 is twice as much
        made.score(supervised, 900, labels=1, method="supervised", seed=seed)
        made.score(guided, 1000, labels=1, method="guided", seed=seed)
    return made


def table(bench: Any) -> Any:
    return build_table(results(bench.graph, bench.grid, bench.store), bench.grid, "make it")


def test_each_column_is_split_by_metric(bench: Any) -> None:
    made = table(bench)
    assert made.columns == (("1 %", "AP"), ("1 %", "AP50"), ("10 %", "AP"), ("10 %", "AP50"))
    assert made.headings == ("Labels", "Metric")
    means = {row.labels: [entry.mean for entry in row.entries] for row in made.rows}
    assert means == {
        ("Others †",): [18.3, 31.5, None, 50.0],
        ("supervised",): [13.5, 27.0, None, None],
        ("guided",): [21.5, 43.0, None, None],
    }
    assert [entry.hole for entry in made.rows[1].entries] == ["", "", "–", "–"]
    assert [entry.best for entry in made.rows[2].entries] == [True, True, False, False]
    assert made.legend[0].startswith("Mask AP and Mask AP50 on the validation images, in percent")


def test_published_values_and_verdicts_are_of_their_metric(bench: Any) -> None:
    entries = table(bench).rows[1].entries
    assert [entry.published for entry in entries] == [13.5, 26.0, 30.5, None]
    assert [entry.delta for entry in entries[:2]] == [0.0, 1.0]
    # what is known beforehand is of AP; AP50 is judged by our two seeds alone, 26 and 28: Student's
    # 12.706 at one degree of freedom, a standard deviation of 1.414, 1 published run and 2 of ours
    prior = bench.grid.claims.spread("coco")
    by_hand = judge(prior, [13.0, 14.0], [13.5]).interval
    assert by_hand is not None
    assert [(e.verdict, e.half_width) for e in entries[:2]] == [
        ("within", by_hand.alone),
        ("within", pytest.approx(12.706 * 1.41421 * 1.22474, abs=1e-3)),
    ]


def test_the_wide_intervals_are_for_the_numbers_of_all_metrics(bench: Any) -> None:
    """Two published values of AP and one of AP50 are three."""
    entry = table(bench).rows[1].entries[0]
    found = judge(bench.grid.claims.spread("coco"), [13.0, 14.0], [13.5], comparisons=3).interval
    assert found is not None
    assert entry.half_width_together == found.together


def test_the_legend_tells_the_noise_of_each_metric(bench: Any) -> None:
    (line,) = [line for line in table(bench).remarks if "Noise between runs" in line]
    assert ": coco, 0.18 points (" in line
    assert "; coco AP50, the scatter of our seeds. " in line


def test_a_single_seed_is_judged_in_ap_alone(new_bench: Any) -> None:
    bench = new_bench(SEVERAL.replace("seed: [0, 1]", "seed: [0]"), PUBLISHED)
    bench.score(13.4, 900, labels=1, method="supervised", seed=0)
    ap, ap50 = table(bench).rows[1].entries[:2]
    assert (ap.verdict, ap.published) == ("within", 13.5)
    assert (ap50.verdict, ap50.published) == ("open", 26.0)


def test_a_miss_names_its_metric(bench: Any) -> None:
    for seed, ap in ((0, 10.0), (1, 10.04)):
        bench.score(ap, 900, labels=1, method="supervised", seed=seed)
    assert misses(table(bench)) == [
        "1 % AP supervised: 10.0 ± 0.0, published 13.5 (-3.5, below ±0.5), "
        "±0.6 for 3 numbers at once",
        "1 % AP50 supervised: 20.0 ± 0.1, published 26.0 (-6.0, below ±0.9), "
        "±2.6 for 3 numbers at once",
    ]


def test_every_format_has_both(bench: Any) -> None:
    made = table(bench)
    text = as_text(made).splitlines()
    assert "Labels / Metric" in text[2]
    assert text[3].split() == ["1", "%", "10", "%"]
    assert text[5].split() == ["Method", "AP", "AP50", "AP", "AP50"]
    numbers = [
        "supervised",
        "13.5",
        "±",
        "0.7",
        "≈",
        "13.5",
        "27.0",
        "±",
        "1.4",
        "≈",
        "26.0",
        "–",
        "(30.5)",
        "–",
    ]
    assert numbers in [line.split() for line in text]
    markdown = as_markdown(made)
    assert "| Method | 1 %, AP | 1 %, AP50 | 10 %, AP | 10 %, AP50 |" in markdown
    latex = as_latex(made)
    assert r"\multicolumn{2}{c}{1\,\%} & \multicolumn{2}{c}{10\,\%}" in latex
    assert r"Method & AP & AP50 & AP & AP50 \\" in latex
    told = receipts(bench.graph, bench.grid, bench.store)
    assert told[0].value == "AP 13.0, AP50 26.0"
    page = as_html(made, told, folder=Path("results"))
    assert '<th scope="col"><button type="button" class="sort">AP50</button></th>' in page
    assert page.count('id="number-') == 8
    head, first = as_csv(results(bench.graph, bench.grid, bench.store)).splitlines()[:2]
    judged = (
        "published,delta,half_width,half_width_together,verdict,"
        "AP50_published,AP50_delta,AP50_half_width,AP50_half_width_together,AP50_verdict"
    )
    assert head.endswith(judged)
    assert first.endswith("13.5,-0.5,11.0039,33.0722,within,26.0,0.0,22.0078,66.1444,within")


def test_checkpoints_are_told_once(bench: Any) -> None:
    row = table(bench).rows[1]
    assert [entry.checkpoints for entry in row.entries] == [(900, 900), (), (), ()]


def test_differences_and_figures_have_the_grids_metrics(bench: Any) -> None:
    frame = results(bench.graph, bench.grid, bench.store)
    rows = paired_difference_table(frame, bench.grid).rows
    assert [(row.labels[1], row.entries[0].mean) for row in rows] == [
        ("Mask AP", 8.0),
        ("Mask AP50", 16.0),
    ]
    assert bench.grid.figure.metric == "AP50"
    points = series(frame, bench.grid, bench.grid.figure)
    assert set(points.loc[points["source"] == "ours", "mean"]) == {27.0, 43.0}
    assert set(points.loc[points["source"] != "ours", "mean"]) == {26.0, 31.5, 50.0}


def test_each_metric_is_compared_with_an_earlier_collection(bench: Any, tmp_path: Path) -> None:
    earlier = tmp_path / "then.csv"
    frame = results(bench.graph, bench.grid, bench.store)
    earlier.write_text(as_csv(frame))
    for seed in (0, 1):
        bench.score(30.0, 1000, labels=1, method="guided", seed=seed)
    frame = results(bench.graph, bench.grid, bench.store)
    found = {one.name: one.moved for one in against(frame, bench.grid, earlier)}
    assert found == {
        "1 % supervised AP": 0.0,
        "1 % guided AP": 8.5,
        "1 % supervised AP50": 0.0,
        "1 % guided AP50": 17.0,
    }
    earlier.write_text(as_csv(frame.drop(columns="AP50")))  # made before AP50 was asked for
    assert len(against(frame, bench.grid, earlier)) == 2
