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
from gdsweep.report.verdicts import judge
from gdsweep.runs import ScoreRef, Store

BEFORE = ("status", "why", "progress")
"""Columns of a results DataFrame between the axes and the metrics."""

AFTER = ("run", "iteration", "network", "selection", "split", "images")
"""Columns behind the metrics, before the judgements."""

JUDGEMENT = ("published", "delta", "half_width", "half_width_together", "verdict")
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
    checkpoint's; `delta` is ours minus `published` (the mean, where the paper prints a quantity
    twice), in points of the metric. `verdict` is on the mean over the averaged axes, the same for
    all its cells (see `verdicts`), with the half-widths of its interval, alone and together with
    the grid's other published numbers; empty where there is no number or none published. `graph`
    is the grid's own.

    A record that cannot be read makes its cell `damaged`; nothing is raised for it. A record
    without a metric that the grid asks for makes it `unmeasured`: its other metrics are there.
    """
    metrics = _metrics(grid)
    standings = cell_standings(graph, store)
    rows = [
        _row(cell, run, ref, stands, metrics)
        for (cell, run, ref), stands in zip(graph.results, standings, strict=True)
    ]
    _judge(rows, grid)
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
        "split": cell.settings.dataset.scored_split(ref.split),
        "images": score.images if score else None,
        **cell.axes,
    }


def _judge(rows: list[dict[str, Any]], grid: Grid) -> None:
    """Put published values beside the rows, and a verdict on each mean that has one."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, row in enumerate(rows):
        key = tuple(row[axis] for axis in grid.axes if axis not in grid.table.average)
        groups.setdefault(key, []).append(index)
    stated = {metric: published_values(grid, metric) for metric in grid.table.metrics}
    judged = [
        (metric, members)
        for metric, published in stated.items()
        for members in groups.values()
        if members[0] in published
    ]
    for metric, published in stated.items():
        columns = judgement_columns(grid.table, metric)
        for index, row in enumerate(rows):
            value = published[index].reference if index in published else math.nan
            row |= dict.fromkeys(columns.values(), math.nan)
            row |= {columns["published"]: value, columns["delta"]: row[metric] - value}
            row[columns["verdict"]] = ""
    for metric, members in judged:
        values = [rows[i][metric] for i in members if not math.isnan(rows[i][metric])]
        if values:
            prior = grid.claims.spread(grid.cells[members[0]].settings.dataset.name, metric)
            found = judge(prior, values, stated[metric][members[0]].printed, len(judged))
            columns = judgement_columns(grid.table, metric)
            for i in members:
                rows[i][columns["verdict"]] = found.verdict
                if found.interval is not None:
                    rows[i][columns["half_width"]] = found.interval.alone
                    rows[i][columns["half_width_together"]] = found.interval.together


def _number(value: float | None) -> float:
    # a record says null where the images hold no object of that size
    return math.nan if value is None else value
