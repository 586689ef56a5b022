"""Results as a DataFrame: one row a cell, finished or not, each with its provenance."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from gdsweep.config import CityscapesData, CocoData
from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Graph, Grid
from gdsweep.grid.methods import Need
from gdsweep.plan.standing import Standing, standing, unreadable
from gdsweep.report.published import published_values
from gdsweep.report.verdicts import judge, noise_of
from gdsweep.runs import Score, ScoreRef, Store
from gdsweep.runs.records import read_record

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
    for index, (cell, _, ref) in enumerate(graph.results):
        row = _row(store, cell, graph.needs[cell], ref)
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


def _row(store: Store, cell: Cell, chain: Sequence[Need], ref: ScoreRef) -> dict[str, Any]:
    score, stands = _score(store, chain, ref)
    metrics = score.metrics if score else {}
    data = cell.settings.dataset
    untested = isinstance(data, CityscapesData) or (
        isinstance(data, CocoData) and data.test is None
    )
    return {
        "status": stands.status,
        "why": stands.why,
        "progress": stands.progress,
        **{metric: _number(metrics.get(metric)) for metric in METRICS},
        "run": chain[-1].trajectory.name,
        "iteration": score.iteration if score else None,
        "network": ref.network,
        "selection": SELECTIONS.get(str(ref.at), f"iteration {ref.at}"),
        "split": "val" if untested else ref.split,
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


def _score(store: Store, chain: Sequence[Need], ref: ScoreRef) -> tuple[Score | None, Standing]:
    path = store.run(chain[-1].trajectory.name).score(ref)
    try:
        score = read_record(path, Score)
    except FileNotFoundError:
        return None, standing(chain, store)
    except (BadInput, OSError) as error:
        return None, Standing("damaged", unreadable(error), 1.0)
    return score, Standing("done", "", 1.0)
