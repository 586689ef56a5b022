"""The lines of a label-efficiency figure: a metric against an axis of numbers."""

import math
import re
import statistics
from collections.abc import Iterable
from typing import Any

import pandas as pd

from gdsweep.config import METRICS, SPLIT_NAMES
from gdsweep.grid import FigureLayout, Grid
from gdsweep.plan.cells import percent
from gdsweep.plots.label_efficiency import Comparison
from gdsweep.report.display import display_name, heading, in_order, line_names
from gdsweep.report.published import published_values, quoted_values

SERIES = ("panel", "line", "source", "x", "mean", "spread", "values", "of", "supervised")
"""Columns of a series DataFrame: one row a point."""


def series(frame: pd.DataFrame, grid: Grid, layout: FigureLayout) -> pd.DataFrame:
    """One row per point of the figure, from the grid's results (see `results`).

    `source` is `ours`, `published` (the paper's numbers of the same line) or `quoted` (another
    method's, a line of its own). `mean` and `spread` (sample standard deviation, NaN below two)
    are over `values`, one per finished seed, in percent; `of` is the number of seeds asked for;
    `supervised` tells whether labelled images alone are trained on. A point without a finished seed
    is left out.
    """
    metric = layout.metric
    published = published_values(grid, metric)
    lines = figure_lines(frame, grid, layout)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for index, record in enumerate(frame.to_dict("records")):
        record["cell"] = index
        values = [record[axis] for axis in (*layout.lines, layout.x) if axis is not None]
        groups.setdefault((_panel(record, layout), *values), []).append(record)
    points: list[dict[str, Any]] = []
    for key in in_order(groups):
        group, (panel, *line, x) = groups[key], key
        place = {
            "panel": _panel_name(panel, layout, grid),
            "line": lines[tuple(line)],
            "x": float(x),
            "supervised": all(grid.cells[r["cell"]].settings.method == "supervised" for r in group),
        }
        values = [r[metric] for r in group if not math.isnan(r[metric])]
        if values:
            points.append(_point(place, "ours", values, len(group)))
        known = next((published[r["cell"]] for r in group if r["cell"] in published), None)
        if known is not None:
            points.append(_point(place, "published", [known.value], 1))
    return pd.DataFrame([*points, *_quoted(grid, layout, frame)], columns=list(SERIES))


def published_levels(
    frame: pd.DataFrame, grid: Grid, layout: FigureLayout
) -> dict[tuple[str, str], float]:
    """Published value of every panel and line of a figure against the iteration, where known."""
    lines = figure_lines(frame, grid, layout)
    published = published_values(grid, layout.metric)
    found = {}
    for place, value in published.items():
        cell = grid.cells[place].axes
        panel = _panel_name(cell[layout.panels] if layout.panels else None, layout, grid)
        found[panel, lines[tuple(cell[axis] for axis in layout.lines)]] = value.value
    return found


def axis_labels(frame: pd.DataFrame, grid: Grid, layout: FigureLayout) -> tuple[str, str]:
    """What stands at the axes: `Labelled training images (%)`, `Mask AP (test)`."""
    x = "Labelled training images (%)" if layout.x == "labels" else heading(layout.x or "iteration")
    metric = METRICS[layout.metric].words
    return x, f"{metric} ({' and '.join(SPLIT_NAMES[s] for s in frame['split'].unique())})"


def unfinished(frame: pd.DataFrame, grid: Grid, layout: FigureLayout) -> str:
    """What the figure lacks, in one line: `Not finished: guided 10 % (1 of 3 failed)`."""
    axes = [a for a in (layout.panels, *layout.lines, layout.x) if a]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for record in frame.to_dict("records"):
        groups.setdefault(tuple(record[axis] for axis in axes), []).append(record)
    said = []
    for key in in_order(groups):
        group = groups[key]
        holes = [record for record in group if record["status"] != "done"]
        if not holes:
            continue
        words = (display_name(a, v, grid.table.names) for a, v in zip(axes, key, strict=True))
        name = " ".join(filter(None, words))
        state = ", ".join(dict.fromkeys(_state(record) for record in holes))
        count = f"{len(holes)} of {len(group)} " if len(group) > 1 else ""
        said.append(f"{name} ({count}{state})")
    if not said:
        return ""
    more = f" and {len(said) - 6} more" if len(said) > 6 else ""
    return f"Not finished: {'; '.join(said[:6])}{more}."


def figure_lines(
    frame: pd.DataFrame, grid: Grid, layout: FigureLayout
) -> dict[tuple[Any, ...], str]:
    """What each line of the figure is called, by the values of its axes."""
    keys = [tuple(r[axis] for axis in layout.lines) for r in frame.to_dict("records")]
    return line_names(layout.lines, keys, grid.table.names)


def _state(record: dict[str, Any]) -> str:
    status = {"new": "missing", "damaged": "unreadable"}.get(record["status"], record["status"])
    share = f" {percent(record['progress'])} %"
    return status + (share if status in ("running", "interrupted") else "")


def _panel(record: dict[str, Any], layout: FigureLayout) -> Any:
    return record[layout.panels] if layout.panels else None


def _panel_name(panel: Any, layout: FigureLayout, grid: Grid) -> str:
    return display_name(layout.panels, panel, grid.table.names) if layout.panels else ""


def _point(place: dict[str, Any], source: str, values: list[float], of: int) -> dict[str, Any]:
    return {
        **place,
        "source": source,
        "mean": statistics.fmean(values),
        "spread": statistics.stdev(values) if len(values) > 1 else float("nan"),
        "values": tuple(values),
        "of": of,
    }


def comparison(frame: pd.DataFrame, grid: Grid, layout: FigureLayout) -> Comparison | None:
    """What the figure singles out, by the names of its panels and lines; None where nothing is."""
    if layout.compare is None or layout.x is None:
        return None
    asked = layout.compare
    lines = figure_lines(frame, grid, layout)
    names = short_names(entry.row for entry in quoted_values(grid, layout.metric))
    return Comparison(
        panel=_panel_name(asked.cell.get(layout.panels or ""), layout, grid),
        line=lines[tuple(asked.cell[axis] for axis in layout.lines)],
        x=float(asked.cell[layout.x]),  # type: ignore[arg-type]  # read_comparison asks for numbers
        rival=names[asked.row],
        rival_x=asked.at,
    )


def short_names(rows: Iterable[str]) -> dict[str, str]:
    """Rows of published tables by name: `Polite Teacher - R50 (IN-1k) [9]` is `Polite Teacher`.

    What stands after the name is kept where the name alone would be another's too.
    """
    distinct = list(dict.fromkeys(rows))
    heads = [row.split(" - ", 1)[0] for row in distinct]
    return {
        row: head if heads.count(head) == 1 else row
        for row, head in zip(distinct, heads, strict=True)
    }


def quoted_details(grid: Grid, layout: FigureLayout) -> str:
    """What `short_names` leaves out, in one line: `Quoted methods: R50 (IN-1k).`; or nothing."""
    rows = [entry.row for entry in quoted_values(grid, layout.metric)]
    details: dict[str, list[str]] = {}
    for row, name in short_names(rows).items():
        if name != row:
            detail = re.sub(r"\s*\[[^]]*\]$", "", row.split(" - ", 1)[1])
            details.setdefault(detail, []).append(name)
    if len(details) == 1:
        return f"Quoted methods: {next(iter(details))}."
    said = (f"{', '.join(names)}: {detail}" for detail, names in details.items())
    return f"Quoted: {'; '.join(said)}." if details else ""


def _quoted(grid: Grid, layout: FigureLayout, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Points of quoted methods, in the panels that the grid has, at x values it has."""
    entries = quoted_values(grid, layout.metric)
    names = short_names(entry.row for entry in entries)
    points = []
    for entry in entries:
        x = entry.axes.get(layout.x) if layout.x else None
        panel = entry.axes.get(layout.panels) if layout.panels else None
        fits = not layout.panels or panel in set(frame[layout.panels])
        if isinstance(x, int | float) and fits and x in set(frame[layout.x]):
            place = {
                "panel": _panel_name(panel, layout, grid),
                "line": names[entry.row],
                "x": float(x),
                "supervised": entry.axes.get("method") == "supervised",
            }
            points.append(_point(place, "quoted", [entry.value], 1))
    return sorted(points, key=lambda point: (point["panel"], point["line"], point["x"]))
