"""Results as a DataFrame: one row a cell, finished or not, each with its provenance."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from gdsweep.config import METRICS, always_measured
from gdsweep.grid import Cell, Graph, Grid, TableLayout
from gdsweep.plan.cells import CellStanding, cell_standings
from gdsweep.report.published import published_values
from gdsweep.report.verdicts import judge, noise_of
from gdsweep.runs import ScoreRef, Store

BEFORE = ("status", "why", "progress")
"""Columns of a results DataFrame between the axes and the metrics."""

AFTER = ("run", "iteration", "network", "selection", "split", "images")
"""Columns behind the metrics, before the judgements."""

JUDGEMENT = ("published", "delta", "band", "verdict")
"""Columns of a metric that the table shows, under the names that `judgement_columns` gives."""

SELECTIONS = {
    "best": "best validation AP",
    "final": "last iteration",
    "0": "the given weights, not trained here",
}
"""The rule that picked a checkpoint, in words."""


def results(graph: Graph, grid: Grid, store: Store) -> pd.DataFrame:
    """One row per cell of `grid`, in its order; reads only the store's files.

    Columns: the axes, as written in the grid, then `result_columns`. `why` is empty for a finished
    cell; a metric is NaN for a hole and where it has no value; `iteration` is the scored
    checkpoint's; `delta` is ours minus `published`, in points of the metric. `verdict` is on the
    mean over the averaged axes, the same for all its cells, with the `band` it was given (see
    `verdicts`); empty where there is no number or none published. `graph` is the grid's own.

    A record that cannot be read makes its cell `damaged`; nothing is raised for it. A record
    without a metric that the grid asks for makes it `unmeasured`: its other metrics are there.
    """
    metrics = _metrics(grid)
    standings = cell_standings(graph, store)
    rows = [
        _row(cell, run, ref, stands, metrics)
        for (cell, run, ref), stands in zip(graph.results, standings, strict=True)
    ]
    for metric in grid.table.metrics:
        _judge(rows, grid, metric, judgement_columns(grid.table, metric))
    axes = list(grid.axes)
    frame = pd.DataFrame(rows, columns=[*axes, *result_columns(grid)])
    for axis in axes:
        # objects stay as the grid wrote them: 5 is not 5.0
        frame[axis] = pd.Series([row[axis] for row in rows], dtype=object, index=frame.index)
    return frame.astype({"iteration": "Int64", "images": "Int64"})


def result_columns(grid: Grid) -> list[str]:
    """What follows the axes: BEFORE, metrics, AFTER, and JUDGEMENT for each metric of the table.

    The metrics are those that are always measured, and those that the grid asks for.
    """
    judgements = [judgement_columns(grid.table, metric).values() for metric in grid.table.metrics]
    return [*BEFORE, *_metrics(grid), *AFTER, *itertools.chain.from_iterable(judgements)]


def _metrics(grid: Grid) -> list[str]:
    asked = {*always_measured(), *grid.metrics}
    return [key for key in METRICS if key in asked]


def judgement_columns(layout: TableLayout, metric: str) -> dict[str, str]:
    """JUDGEMENT to the columns of one metric: `delta` of the first, `AP50_delta` of another."""
    prefix = "" if metric == layout.metric else f"{metric}_"
    return {name: f"{prefix}{name}" for name in JUDGEMENT}


def _row(
    cell: Cell, run: str, ref: ScoreRef, stands: CellStanding, metrics: Sequence[str]
) -> dict[str, Any]:
    score = stands.score
    measured = score.metrics if score else {}
    return {
        "status": stands.status,
        "why": stands.why,
        "progress": stands.share,
        **{metric: _number(measured.get(metric)) for metric in metrics},
        "run": run,
        "iteration": score.iteration if score else None,
        "network": ref.network,
        "selection": SELECTIONS.get(str(ref.at), f"iteration {ref.at}"),
        "split": ref.split if cell.settings.dataset.has_test else "val",
        "images": score.images if score else None,
        **cell.axes,
    }


def _judge(rows: list[dict[str, Any]], grid: Grid, metric: str, columns: dict[str, str]) -> None:
    """Put the published value of one metric beside each row, and its verdict where they share one.

    `columns` are the metric's, see `judgement_columns`.
    """
    stated = published_values(grid, metric)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, row in enumerate(rows):
        published = stated.get(index, math.nan)
        row[columns["published"]], row[columns["delta"]] = published, row[metric] - published
        row[columns["band"]], row[columns["verdict"]] = math.nan, ""
        key = tuple(row[axis] for axis in grid.axes if axis not in grid.table.average)
        groups.setdefault(key, []).append(index)
    for members in groups.values():
        values = [rows[i][metric] for i in members if not math.isnan(rows[i][metric])]
        published = rows[members[0]][columns["published"]]
        if not values or math.isnan(published):
            continue
        dataset = grid.cells[members[0]].settings.dataset.name
        noise = noise_of(dataset, grid.claims.noise)
        if metric != "AP":  # bands are stated in points of AP: only our own spread judges others
            if len(values) < 2:
                continue
            noise = noise.model_copy(update={"rule": "seeds"})
        judged = judge(noise, values, published)
        for i in members:
            rows[i] |= {columns["band"]: judged.band, columns["verdict"]: judged.verdict}


def _number(value: float | None) -> float:
    # a record says null where the images hold no object of that size
    return math.nan if value is None else value
