"""Results as a DataFrame: one row a cell, finished or not, each with its provenance."""

import math
from typing import Any

import pandas as pd

from gdsweep.grid import Cell, Graph, Grid
from gdsweep.plan.cells import CellStanding, cell_standings
from gdsweep.report.published import published_values
from gdsweep.report.verdicts import judge, noise_of
from gdsweep.runs import ScoreRef, Store

METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")
"""COCO's six numbers, in percent."""

COLUMNS = (
    "status",
    "why",
    "progress",
    *METRICS,
    "run",
    "iteration",
    "network",
    "selection",
    "split",
    "images",
    "published",
    "delta",
    "band",
    "verdict",
)
"""What follows the axes in a results DataFrame."""

SELECTIONS = {
    "best": "best validation AP",
    "final": "last iteration",
    "0": "the given weights, not trained here",
}
"""The rule that picked a checkpoint, in words."""


def results(graph: Graph, grid: Grid, store: Store) -> pd.DataFrame:
    """One row per cell of `grid`, in its order; reads only the store's files.

    Columns: the axes, as written in the grid, then COLUMNS. `why` is empty for a
    finished cell; metrics are in percent, NaN for a hole and where no object is of that size;
    `iteration` is the scored checkpoint's; `delta` is ours minus `published`, in points of the
    table's metric. `verdict` is on the mean over the averaged axes, the same for all its cells,
    with the `band` it was given (see `verdicts`); empty where there is no number or none
    published. `graph` is the grid's own. A record that cannot be read makes its cell
    `damaged`; nothing is raised for it.
    """
    published = published_values(grid, grid.table.metric)
    rows = []
    standings = cell_standings(graph, store)
    for index, ((cell, run, ref), stands) in enumerate(zip(graph.results, standings, strict=True)):
        row = _row(cell, run, ref, stands)
        row["published"] = published.get(index, math.nan)
        row["delta"] = row[grid.table.metric] - row["published"]
        rows.append(row)
    _judge(rows, grid)
    axes = list(grid.axes)
    frame = pd.DataFrame(rows, columns=[*axes, *COLUMNS])
    for axis in axes:
        # objects stay as the grid wrote them: 5 is not 5.0
        frame[axis] = pd.Series([row[axis] for row in rows], dtype=object, index=frame.index)
    return frame.astype({"iteration": "Int64", "images": "Int64"})


def _row(cell: Cell, run: str, ref: ScoreRef, stands: CellStanding) -> dict[str, Any]:
    score = stands.score
    metrics = score.metrics if score else {}
    return {
        "status": stands.status,
        "why": stands.why,
        "progress": stands.share,
        **{metric: _number(metrics.get(metric)) for metric in METRICS},
        "run": run,
        "iteration": score.iteration if score else None,
        "network": ref.network,
        "selection": SELECTIONS.get(str(ref.at), f"iteration {ref.at}"),
        "split": ref.split if cell.settings.dataset.has_test else "val",
        "images": score.images if score else None,
        **cell.axes,
    }


def _judge(rows: list[dict[str, Any]], grid: Grid) -> None:
    """Give the rows that share a mean their verdict."""
    metric = grid.table.metric
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, row in enumerate(rows):
        row |= {"band": math.nan, "verdict": ""}
        key = tuple(row[axis] for axis in grid.axes if axis not in grid.table.average)
        groups.setdefault(key, []).append(index)
    for members in groups.values():
        values = [rows[i][metric] for i in members if not math.isnan(rows[i][metric])]
        published = rows[members[0]]["published"]
        if not values or math.isnan(published):
            continue
        dataset = grid.cells[members[0]].settings.dataset.name
        judged = judge(noise_of(dataset, grid.claims.noise), values, published)
        for i in members:
            rows[i] |= {"band": judged.band, "verdict": judged.verdict}


def _number(value: float | None) -> float:
    # a record says null where the images hold no object of that size
    return math.nan if value is None else value
