"""What the teachers said of a few images along training, as the runs kept it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdsweep.grid import Cell, Graph, Grid
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.report.display import display_name
from gdsweep.runs import RunDir, Store

MOST = 5
"""Evaluations that are shown, evenly spaced, the first and the last among them."""


@dataclass(frozen=True)
class ShownLabels:
    """One cell's."""

    key: str
    """What the cell is, fit for a file name."""
    title: str
    """What the cell is, in words."""
    run: RunDir
    """The run that keeps the images."""
    labels: tuple[tuple[int, Path], ...]
    """Iterations of the cell's path with the teacher's labels, COCO results JSON."""


def shown_labels(graph: Graph, grid: Grid, store: Store) -> list[ShownLabels]:
    """Of every cell with a teacher whose runs kept labels; of averaged axes the first such."""
    found: dict[tuple[Any, ...], ShownLabels] = {}
    others = [axis for axis in grid.axes if axis not in grid.table.average]
    withheld = cells_on_other_data(graph, store)
    for cell, _, _ in graph.results:
        key = tuple(cell.axes[axis] for axis in others)
        if key in found or cell in withheld:
            continue
        labels = list(_along(graph, store, cell))
        if labels:
            words = (display_name(axis, cell.axes[axis], grid.table.names) for axis in others)
            title = ", ".join(filter(None, words))
            name = "-".join(str(value) for value in key)
            run = labels[-1][0]
            files = tuple((at, kept.shown_labels(at)) for kept, at in _spaced(labels))
            found[key] = ShownLabels(name, title, run, files)
    return list(found.values())


def _along(graph: Graph, store: Store, cell: Cell) -> Iterator[tuple[RunDir, int]]:
    """Runs and iterations of a cell's path at which labels were kept, in its order."""
    for piece in graph.chain(cell):
        run = store.run(piece.run)
        if run.shown_images.is_file():
            kept = run.shown_iterations()
            yield from ((run, at) for at in kept if piece.first < at <= piece.last)


def _spaced(labels: list[tuple[RunDir, int]]) -> list[tuple[RunDir, int]]:
    count = min(MOST, len(labels))
    if count == 1:
        return labels[-1:]
    return [labels[round(k * (len(labels) - 1) / (count - 1))] for k in range(count)]
