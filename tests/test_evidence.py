"""docs/evidence.md says what was collected, and what was collected is of the grids as they are."""

import statistics
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from gdsweep.grid import Grid, graph_of, load_grid
from gdsweep.plan.request import Request
from gdsweep.report import as_notes, as_text, build_table, paired_difference_table
from gdsweep.report.display import number
from gdsweep.report.figures import drawings
from gdsweep.report.results import result_columns

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "evidence"
GRIDS = sorted(path.stem for path in (ROOT / "grids").glob("evidence*.yaml"))
COLLECTED = [name for name in GRIDS if (RESULTS / f"{name}.csv").exists()]
DOCUMENT = (ROOT / "docs" / "evidence.md").read_text()


def test_the_main_grid_is_collected() -> None:
    assert "evidence" in COLLECTED


@pytest.mark.parametrize("name", COLLECTED)
def test_results_are_of_the_grid_as_it_is(name: str) -> None:
    """Every number is of a run whose identity the grid still has: no setting has changed since."""
    grid = load_grid(ROOT / "grids" / f"{name}.yaml")
    runs = [run for _, run, _ in graph_of([grid]).results]
    frame = pd.read_csv(RESULTS / f"{name}.csv")
    assert list(frame["run"]) == runs
    assert set(frame["status"]) == {"done"}


@pytest.mark.parametrize("name", COLLECTED)
def test_the_table_is_of_the_results(name: str) -> None:
    grid = load_grid(ROOT / "grids" / f"{name}.yaml")
    table = (RESULTS / f"{name}.txt").read_text()
    frame = pd.read_csv(RESULTS / f"{name}.csv")
    axes = [axis for axis in grid.axes if axis not in grid.table.average]
    for _, group in frame.groupby(axes, dropna=False):
        values = list(group[grid.table.metric])
        assert f"{number(statistics.fmean(values))} ± {number(statistics.stdev(values))}" in table


@pytest.mark.parametrize("name", COLLECTED)
def test_tables_verdicts_and_intervals_follow_from_the_results(name: str) -> None:
    """What stands there is what today's procedure makes of the committed numbers."""
    grid = load_grid(ROOT / "grids" / f"{name}.yaml")
    frame = read_results(name, grid)
    command = str(frame["made_by"][0])
    made = {"": build_table(frame, grid, command)}
    if grid.differences:
        made["-differences"] = paired_difference_table(frame, grid, command)
    for end, table in made.items():
        assert as_text(table) == (RESULTS / f"{name}{end}.txt").read_text()
    notes = RESULTS / f"{name}-notes.txt"
    assert as_notes(made[""]) == notes.read_text()


def test_the_figure_is_of_the_results() -> None:
    """Drawn of the main grid's scores; curves are drawn of metrics, which are not committed."""
    grid = load_grid(ROOT / "grids" / "evidence.yaml")
    assert grid.figure is not None
    assert grid.figure.kind == "label-efficiency"
    (drawing,) = drawings(Request(grid_names=(grid.path,)), read_results(grid.name, grid))
    with Image.open(RESULTS / "evidence.png") as picture:
        assert picture.info["Data"] == drawing.data


def read_results(name: str, grid: Grid) -> pd.DataFrame:
    """Committed results as collect had them: axes as the grid writes them, no word for nothing."""
    frame = pd.read_csv(RESULTS / f"{name}.csv")
    for axis in grid.axes:
        frame[axis] = pd.Series([cell.axes[axis] for cell in grid.cells], dtype=object)
    assert set(result_columns(grid)) < set(frame.columns)
    return frame.assign(
        why=frame["why"].astype(object).fillna(""),
        verdict=frame["verdict"].astype(object).fillna(""),
    )


@pytest.mark.parametrize("name", COLLECTED)
def test_the_document_quotes_the_tables(name: str) -> None:
    """Each table stands in it line by line, the head and the notes of the file may be left out."""
    tables = [RESULTS / f"{name}{end}.txt" for end in ("", "-differences", "-pseudo-labels")]
    for path in filter(Path.exists, tables):
        lines = path.read_text().splitlines()
        rules = [at for at, line in enumerate(lines) if set(line) == {"─"}]
        quoted = "\n".join(lines[lines.index("") + 1 : rules[-1]])
        assert quoted in DOCUMENT, f"{path.name} is not what docs/evidence.md says"


def test_the_document_says_what_sharing_saves() -> None:
    grids = [load_grid(ROOT / "grids" / f"{name}.yaml") for name in GRIDS]
    for chosen in (grids, [grid for grid in grids if grid.name == "evidence"]):
        graph = graph_of(chosen)
        cells = sum(len(grid.cells) for grid in chosen)
        said = (
            f"{cells} cells (0 done) from {len(graph.runs)} runs: {graph.iterations:,} iterations"
        )
        assert f"{said}, {graph.iterations_unshared:,} if every cell trained on its own" in DOCUMENT
