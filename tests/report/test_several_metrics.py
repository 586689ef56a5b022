"""A table of several metrics, side by side."""

from typing import Any

import pytest

from gdsweep.report import (
    as_csv,
    as_html,
    as_latex,
    as_markdown,
    as_text,
    build_table,
    misses,
    paired_difference_table,
    receipt,
    results,
    series,
)

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
    # COCO's band of 0.2 is one of AP; AP50 is judged by our own two standard errors, 2 * 1 / 1
    assert [(e.verdict, e.band and round(e.band, 6)) for e in entries[:2]] == [
        ("within", 0.2),
        ("within", 2.0),
    ]


def test_the_legend_tells_each_metrics_band(bench: Any) -> None:
    (line,) = [line for line in table(bench).legend if "noise band" in line]
    assert "coco ±0.2 AP (" in line
    assert line.endswith("; AP50 ± two standard errors of our mean over seeds, at least 0.2.")


def test_a_single_seed_is_judged_in_ap_alone(new_bench: Any) -> None:
    bench = new_bench(SEVERAL.replace("seed: [0, 1]", "seed: [0]"), PUBLISHED)
    bench.score(13.4, 900, labels=1, method="supervised", seed=0)
    ap, ap50 = table(bench).rows[1].entries[:2]
    assert (ap.verdict, ap.published) == ("within", 13.5)
    assert (ap50.verdict, ap50.published) == ("", 26.0)


def test_a_miss_names_its_metric(bench: Any) -> None:
    for seed in (0, 1):
        bench.score(10.0, 900, labels=1, method="supervised", seed=seed)
    assert misses(table(bench)) == [
        "1 % AP supervised: 10.0 ± 0.0 (2), published 13.5 (-3.5, below ±0.2)",
        "1 % AP50 supervised: 20.0 ± 0.0 (2), published 26.0 (-6.0, below ±0.2)",
    ]


def test_every_format_has_both(bench: Any) -> None:
    made = table(bench)
    text = as_text(made).splitlines()
    assert "Labels / Metric" in text[2]
    assert text[3].split() == ["1", "%", "10", "%"]
    assert text[5].split() == ["Method", "AP", "AP50", "AP", "AP50"]
    numbers = ["supervised", "13.5", "±", "0.7", "(2)", "27.0", "±", "1.4", "(2)", "–", "–"]
    assert numbers in [line.split() for line in text]
    markdown = as_markdown(made)
    assert "| Method | 1 %, AP | 1 %, AP50 | 10 %, AP | 10 %, AP50 |" in markdown
    latex = as_latex(made)
    assert r"\multicolumn{2}{c}{1\,\%} & \multicolumn{2}{c}{10\,\%}" in latex
    assert r"Method & AP & AP50 & AP & AP50 \\" in latex
    receipts = {
        place: receipt(bench.graph, bench.grid, bench.store, place)
        for place in range(len(bench.grid.cells))
    }
    assert receipts[0].value == "AP 13.0, AP50 26.0"
    page = as_html(made, receipts)
    assert '<th scope="col">AP50</th>' in page
    assert page.count('<article id="number-') == 8
    head, first = as_csv(results(bench.graph, bench.grid, bench.store)).splitlines()[:2]
    judged = "published,delta,band,verdict,AP50_published,AP50_delta,AP50_band,AP50_verdict"
    assert head.endswith(judged)
    assert first.endswith("13.5,-0.5,0.2,within,26.0,0.0,2.0,within")


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
