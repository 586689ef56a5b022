"""A stranger adds a kind of figure with two files: its entry, `config/figures.py`, and its plot."""

import importlib
import sys
from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.config import FIGURES, FigureKind
from gdsweep.plan.request import Request
from gdsweep.report import results
from gdsweep.report.figures import drawings
from gdsweep.runs import Score

# all that stands in the entry's file and in the plot's
ENTRY = FigureKind("bars", "axis", "bars:draw")
PLOT = '''
from gdsweep.plots.style import COLUMN, look, new_figure


def draw(series, x_label, y_label, note, lowest, comparison):
    """A bar a point."""
    with look():
        figure = new_figure(COLUMN, 2.0)
        axes = figure.subplots()
        axes.bar(series["x"], series["mean"])
        axes.set(xlabel=x_label, ylabel=y_label)
        return figure
'''
PAGE = """title: Bars
axes: {dataset: [shapes], labels: [5, 10], method: [supervised]}
settings: {backbone: test_resnet, schedule: {iterations: 100}}
figure: {kind: bars}
"""


def test_it_is_drawn_where_a_grid_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bars.py").write_text(PLOT)
    Path("g.yaml").write_text(PAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "bars", raising=False)
    monkeypatch.setitem(FIGURES, ENTRY.key, ENTRY)
    request = Request(grid_names=("g.yaml",))
    request.store.check_writable()
    for number, (_, name, ref) in enumerate(request.graph.results):
        trajectory = request.graph.runs[name]
        run = request.store.create(trajectory.config, trajectory.identity)
        score = Score(
            ref=ref, iteration=100, metrics={"AP": 30.0 + number}, images=3, instances=9,
            predictions=None,
        )  # fmt: skip
        atomic.write_json(run.score(ref), score.model_dump(mode="json"))
    (grid,) = request.grids
    (drawn,) = drawings(request, results(request.graph, grid, request.store))
    (axes,) = drawn.figure.axes
    assert [bar.get_height() for bar in axes.patches] == [30.0, 31.0]
    assert (drawn.title, axes.get_ylabel()) == ("Bars", "Mask AP (test)")
