"""Training curves of a grid's cells: each cell's whole path, its parent's part included."""

import math
from typing import Any

import pandas as pd

from gdsweep.grid import FigureLayout, Graph, Grid
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.report.display import display_name, line_names
from gdsweep.runs import ScoreRef, Store, read_metrics

CURVES = {
    "loss": "total_loss",
    "student": "segm/AP",
    "teacher": "teacher/segm/AP",
    "pseudo": "pseudo/per_image",
    "precision": "pseudo/precision",
    "coverage": "pseudo/coverage",
}
"""Column of a curves DataFrame -> key in metrics.json, where the validation metric is AP."""

POINTS = 150
"""A loss curve is averaged over about so many stretches: its noise would hide everything else."""


def curves(
    graph: Graph, grid: Grid, store: Store, layout: FigureLayout | None = None
) -> pd.DataFrame:
    """One row per iteration at which something was measured, per cell on the grid's own data.

    Columns: `panel` and `line` (the figure's, by `layout`; without one what the cell is apart from
    method and seed, and its method), `seed`, `run`, `iteration` (of the whole path), `network` (the
    one the cell reports), `burn_in` (where the path left its parent; NaN without one), then CURVES:
    `loss` (a mean over a stretch), `student` and `teacher` (on the validation images: AP, or the
    metric of `layout`), `pseudo` (pseudo-labels per unlabelled image), `precision` and `coverage`
    (of pseudo-labels, in percent); NaN where not measured.
    """
    metric = layout.metric if layout is not None else "AP"
    keys_of = {**CURVES, "student": f"segm/{metric}", "teacher": f"teacher/segm/{metric}"}
    panels, lines = _parts(grid, layout)
    keys = (tuple(cell.axes[a] for a in lines) for cell in grid.cells)
    names = line_names(lines, keys, grid.table.names)
    read: dict[str, list[dict[str, Any]]] = {}
    rows: list[dict[str, Any]] = []
    withheld = cells_on_other_data(graph, store)
    for cell, name, ref in graph.results:
        if cell in withheld:
            continue
        head = {
            # a value may be named by nothing: what is usual needs no word
            "panel": ", ".join(
                filter(None, (display_name(a, cell.axes[a], grid.table.names) for a in panels))
            ),
            "line": names[tuple(cell.axes[a] for a in lines)] or cell.settings.method,
            "seed": cell.settings.seed,
            "network": ref.network,
        }
        parent = graph.runs[name].config.parent
        burn_in = parent.at if parent is not None else math.nan
        path = _path(graph, store, name, ref, read)
        horizon = graph.runs[name].config.settings.schedule.iterations
        rows += [{**head, "burn_in": burn_in, **row} for row in _measured(path, horizon, keys_of)]
    columns = ["panel", "line", "seed", "run", "iteration", "network", "burn_in", *CURVES]
    return pd.DataFrame(rows, columns=columns)


def _parts(grid: Grid, layout: FigureLayout | None) -> tuple[list[str], tuple[str, ...]]:
    """The axes that make panels and lines."""
    if layout is not None:
        return [layout.panels] if layout.panels else [], layout.lines
    varied = [a for a in grid.axes if a not in ("method", "seed") and len(grid.axes[a]) > 1]
    return varied, ("method",) if "method" in grid.axes else ()


def _path(
    graph: Graph, store: Store, name: str, ref: ScoreRef, read: dict[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Metrics lines of a run and of the part of its ancestors that leads to it."""
    parts: list[dict[str, Any]] = []
    until: float = ref.at if isinstance(ref.at, int) else math.inf
    while True:
        if name not in read:
            read[name] = read_metrics(store.run(name).metrics)
        parent = graph.runs[name].config.parent
        start = parent.at if parent is not None else -1
        part = [line for line in read[name] if start < line["iteration"] <= until]
        parts = [{**line, "run": name} for line in part] + parts
        if parent is None:
            return parts
        name, until = parent.run, parent.at


def _measured(
    path: list[dict[str, Any]], horizon: int, keys_of: dict[str, str]
) -> list[dict[str, Any]]:
    """Rows of the values that were measured, the loss averaged over stretches of the path."""
    stretch = max(horizon // POINTS, 1)
    losses: dict[tuple[str, int], list[dict[str, Any]]] = {}
    rows = []
    for line in path:
        if _value(line, "total_loss") is not None:
            losses.setdefault((line["run"], line["iteration"] // stretch), []).append(line)
        values = {
            column: value
            for column, key in keys_of.items()
            if column != "loss" and (value := _value(line, key)) is not None
        }
        if values:
            rows.append({"run": line["run"], "iteration": line["iteration"], **values})
    for (run, _), lines in losses.items():
        middle = sum(line["iteration"] for line in lines) / len(lines)
        mean = sum(line["total_loss"] for line in lines) / len(lines)
        rows.append({"run": run, "iteration": middle, "loss": mean})
    return sorted(rows, key=lambda row: row["iteration"])


def _value(line: dict[str, Any], key: str) -> float | None:
    value = line.get(key)
    return value if isinstance(value, int | float) and math.isfinite(value) else None
