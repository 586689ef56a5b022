"""Pairs of cells whose predictions are shown above one another: supervised and guided."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdsweep.config import DataSettings, Split
from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Graph, Grid
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.report.display import display_name
from gdsweep.runs import Score, Store
from gdsweep.runs.records import read_record

UPPER, LOWER = "supervised", "guided"
"""Methods of the two rows (Figures 2 and 5)."""


@dataclass(frozen=True)
class Pair:
    """Two finished cells that differ in their method alone."""

    key: str
    """What they share, fit for a file name: `coco-5-resnet50`."""
    title: str
    """What they share, in words."""
    dataset: DataSettings
    """Whose images they were scored on."""
    split: Split
    """Which of its images."""
    names: tuple[str, str]
    """The upper and the lower row's."""
    predictions: tuple[Path, Path]
    """COCO results JSON of both."""


def pairs(graph: Graph, grid: Grid, store: Store) -> list[Pair]:
    """All pairs of which both cells kept their predictions; of averaged axes the first such."""
    others = [axis for axis in grid.axes if axis not in ("method", *grid.table.average)]
    found: dict[tuple[Any, ...], Pair] = {}
    withheld = cells_on_other_data(graph, store)
    files = [
        None if cell in withheld else _predictions(store, place, graph)
        for place, (cell, _, _) in enumerate(graph.results)
    ]
    for upper, above in zip(grid.cells, files, strict=True):
        key = tuple(upper.axes[axis] for axis in others)
        if upper.settings.method != UPPER or above is None or key in found:
            continue
        for place, lower in enumerate(grid.cells):
            below = files[place]
            if lower.settings.method == LOWER and below is not None and _alike(upper, lower):
                found[key] = _pair(grid, others, upper, lower, (above, below))
                break
    return list(found.values())


def _alike(upper: Cell, lower: Cell) -> bool:
    return all(lower.axes[axis] == value for axis, value in upper.axes.items() if axis != "method")


def _pair(
    grid: Grid, others: list[str], upper: Cell, lower: Cell, files: tuple[Path, Path]
) -> Pair:
    words = [display_name(axis, upper.axes[axis], grid.table.names) for axis in others]
    key = "-".join(str(upper.axes[axis]) for axis in others)
    names = tuple(
        display_name("method", cell.settings.method, grid.table.names) for cell in (upper, lower)
    )
    return Pair(
        key="".join(c if c.isalnum() or c in "-." else "_" for c in key),
        title=", ".join(words),
        dataset=upper.settings.dataset,
        split=upper.settings.dataset.scored_split("test"),
        names=(names[0], names[1]),
        predictions=files,
    )


def _predictions(store: Store, place: int, graph: Graph) -> Path | None:
    _, name, ref = graph.results[place]
    run = store.run(name)
    try:
        score = read_record(run.score(ref), Score)
    except (OSError, BadInput):
        return None  # a hole of the table says why
    path = run.recorded(score.predictions) if score.predictions else None
    return path if path is not None and path.is_file() else None
