"""A stranger adds a metric with two files: its entry in `config/metrics.py` and its function."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.config import METRICS, Metric, ShapesData, always_measured
from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.evaluate import check_measurable, measure
from gdsweep.grid import build_graph, load_grid
from gdsweep.report import as_csv, as_text, build_table, paired_difference_table, results, series
from gdsweep.runs import Score, Store

# all that stands in the entry's file and in the function's
ENTRY = Metric(
    key="misses",
    short="Missed",
    words="Objects without a prediction",
    computed_by="misses:misses",
    absent="no image has an object",
    unit="objects per image",
    range=(0.0, float("inf")),
    higher_is_better=False,
    on_demand=True,
)
FUNCTION = '''
def misses(data, ground_truth, results, detections):
    """Objects that no prediction can belong to: there are more of them than predictions."""
    missed = len(ground_truth["annotations"]) - len(results)
    return {"misses": max(missed, 0) / len(ground_truth["images"])}
'''
PAGE = """title: Which method misses less
axes:
  dataset: [shapes]
  labels: [5, 10]
  method: [supervised, guided]
  seed: [0, 1]
settings: {backbone: test_resnet, schedule: {iterations: 100}, distillation: {burn_in: 50}}
table: {metrics: [AP, misses], rows: [method], columns: [labels]}
differences: [{of: {method: guided}, minus: {method: supervised}, metrics: [misses]}]
figure: {metric: misses}
published: p.yaml
"""
PUBLISHED = """source: a paper
tables:
  t:
    axes: {dataset: shapes}
    columns: {labels: [5, 10]}
    rows: [{row: Base, axes: {method: supervised}, AP: [30, 40], misses: [1.5, null]}]
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric, as if it stood in the package."""
    monkeypatch.chdir(tmp_path)
    Path("misses.py").write_text(FUNCTION)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "misses", raising=False)
    monkeypatch.setitem(METRICS, ENTRY.key, ENTRY)
    Path("g.yaml").write_text(PAGE)
    Path("p.yaml").write_text(PUBLISHED)


@pytest.mark.usefixtures("added")
def test_it_is_measured_where_a_grid_asks_for_it() -> None:
    grid = load_grid("g.yaml")
    (metrics,) = {ref.metrics for _, _, ref in build_graph(grid.cells).results}
    assert metrics == ("misses",)
    data = ShapesData(name="shapes", train=1, val=2, test=3)
    check_measurable(data, metrics)
    truth = open_dataset(data).test.ground_truth()
    results = [{**annotation, "score": 1.0} for annotation in truth["annotations"][3:]]
    measured = measure(data, truth, results, 100, metrics)
    assert list(measured) == [*always_measured(), "misses"]
    assert measured["misses"] == 1.0
    assert "misses" not in measure(data, truth, results)


@pytest.mark.usefixtures("added")
def test_it_is_in_table_differences_figure_and_files() -> None:
    grid = load_grid("g.yaml")
    graph, store = build_graph(grid.cells), Store("runs")
    store.check_writable()
    for cell, name, ref in graph.results:
        run = store.create(graph.runs[name].config, graph.runs[name].identity)
        missed = (2.0 if cell.settings.method == "supervised" else 1.0) + cell.settings.seed
        score = Score(
            ref=ref, iteration=100, metrics={"AP": 30.0, "misses": missed}, images=3, instances=9,
            predictions=None,
        )  # fmt: skip
        atomic.write_json(run.score(ref), score.model_dump(mode="json"))
    frame = results(graph, grid, store)
    table = build_table(frame, grid)
    supervised, guided = table.rows
    assert table.columns[1] == ("5 %", "Missed")
    assert (supervised.entries[1].mean, supervised.entries[1].published) == (2.5, 1.5)
    assert (supervised.entries[1].best, guided.entries[1].best) == (False, True)
    text = as_text(table)
    assert (
        "Mask AP on the test images, in percent; Objects without a prediction on the test" in text
    )
    assert "The lowest number is the best in Objects without a prediction." in text
    (row,) = paired_difference_table(frame, grid).rows
    assert (row.labels[1], row.entries[0].mean) == ("Objects without a prediction", -1.0)
    points = series(frame, grid, grid.figure)
    assert set(points.loc[points["source"] == "ours", "mean"]) == {2.5, 1.5}
    assert set(points.loc[points["source"] == "published", "mean"]) == {1.5}
    assert "misses_published" in as_csv(frame).splitlines()[0]


@pytest.mark.usefixtures("added")
def test_a_function_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ShapesData(name="shapes")
    for place in ("nowhere:misses", "misses:hits"):
        monkeypatch.setitem(METRICS, "misses", replace(ENTRY, computed_by=place))
        with pytest.raises(BadInput, match=f"^metric misses: {place}: "):
            check_measurable(data, ["misses"])
    monkeypatch.setitem(METRICS, "hits", replace(ENTRY, key="hits"))
    page = {"images": [{"id": 1}], "annotations": [], "categories": []}
    with pytest.raises(BadInput, match="misses:misses returned no hits"):
        measure(data, page, [], 100, ["hits"])
    monkeypatch.setitem(METRICS, "misses", replace(ENTRY, range=(1.0, 2.0)))
    with pytest.raises(BadInput, match=r"returned 0\.0, which is not between 1 and 2$"):
        measure(data, page, [], 100, ["misses"])
