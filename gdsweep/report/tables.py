"""A grid's table, independent of any output format.

Seeds are averaged; holes stay visible with their reason; every number has its checkpoint.
"""

import itertools
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import pandas as pd

from gdsweep.config import METRICS, SPLIT_NAMES
from gdsweep.grid import Grid, PublishedValue, Spread
from gdsweep.report.display import (
    display_name,
    heading,
    in_order,
    metrics_and_units,
    number,
    signed,
)
from gdsweep.report.entries import Entry, Notes, Record, make_entry, source
from gdsweep.report.intervals import interval_of_pairs
from gdsweep.report.orderings import Checked, check_orderings
from gdsweep.report.published import published_values, quoted_values, unjudged

LEAST_TO_AVERAGE = 4
"""Differences from published values of which a mean is told."""


@dataclass(frozen=True)
class Row:
    """One row: a method (or whatever the layout puts there), or a quoted method."""

    key: tuple[Any, ...]
    """Values of the row axes; None where a quoted row has none."""
    labels: tuple[str, ...]
    """What is shown of them."""
    entries: tuple[Entry, ...]
    """One a column."""
    quoted: bool = False
    """Another paper's numbers, not trained here."""


@dataclass(frozen=True)
class Table:
    """A table ready to be written in any format."""

    name: str
    caption: str
    metric: str
    """What the numbers are of, in words; heads the column where there is but one."""
    stub: tuple[str, ...]
    """Headings of the row labels."""
    headings: tuple[str, ...]
    """Headings of the column levels, outermost first."""
    columns: tuple[tuple[str, ...], ...]
    """What is shown of each column, one text a level; the metric innermost where there are
    several."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """Reasons of holes, numbered from 1 where they are shown."""
    legend: tuple[str, ...]
    """How to read the numbers."""
    orderings: tuple[Checked, ...] = ()
    """What the paper claims to be better than what, checked on these numbers."""
    command: str = ""
    """The command that made it."""
    lower_is_better: tuple[bool, ...] = ()
    """Whether the lowest number wins, by column; empty where the highest wins in all."""

    @property
    def spread_out(self) -> bool:
        """Whether the scored checkpoints are of differing iterations."""
        return (
            len({at for row in self.rows for entry in row.entries for at in entry.checkpoints}) > 1
        )


def build_table(frame: pd.DataFrame, grid: Grid, command: str = "") -> Table:
    """The grid's table from its results (see `results`).

    Rows and columns are ordered as the grid's axes, numbers ascending; quoted rows come first.
    Where the grid shows several metrics, each column is one for every metric.
    """
    layout = grid.table
    records = [record | {"cell": i} for i, record in enumerate(frame.to_dict("records"))]
    published = {metric: published_values(grid, metric) for metric in layout.metrics}
    groups: dict[tuple[Any, Any], list[Record]] = {}
    for record in records:
        groups.setdefault((_key(record, layout.rows), _key(record, layout.columns)), []).append(
            record
        )
    notes = Notes()
    uniform = len({source(record) for record in records}) <= 1
    columns = [
        (column, metric)
        for column in in_order(column for _, column in groups)
        for metric in layout.metrics
    ]
    rows = [
        Row(
            key,
            tuple(display_name(a, v, layout.names) for a, v in zip(layout.rows, key, strict=True)),
            tuple(
                make_entry(
                    groups.get((key, column), []), layout, metric, published[metric], notes, uniform
                )
                for column, metric in columns
            ),
        )
        for key in in_order(row for row, _ in groups)
    ]
    lower = tuple(not METRICS[metric].higher_is_better for _, metric in columns)
    rows = _mark_best(_with_quoted(rows, columns, grid), grid, lower)
    several = len(layout.metrics) > 1
    return Table(
        name=grid.name,
        caption=layout.caption,
        metric=" and ".join(METRICS[metric].words for metric in layout.metrics),
        stub=tuple(heading(axis) for axis in layout.rows),
        headings=(*(heading(axis) for axis in layout.columns), *(["Metric"] if several else [])),
        columns=tuple(
            (
                *(
                    display_name(a, v, layout.names)
                    for a, v in zip(layout.columns, column, strict=True)
                ),
                *([METRICS[metric].short] if several else []),
            )
            for column, metric in columns
        ),
        rows=tuple(rows),
        notes=tuple(notes.texts),
        legend=tuple(_legend(rows, records, grid, uniform)),
        orderings=tuple(check_orderings(frame, grid)),
        command=command,
        lower_is_better=lower if any(lower) else (),
    )


def _key(record: Record, axes: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(record[axis] for axis in axes)


Column = tuple[tuple[Any, ...], str]
"""Values of the column axes, and the metric."""


def _with_quoted(rows: list[Row], columns: list[Column], grid: Grid) -> list[Row]:
    """Quoted rows before ours, each in the outermost group of rows it belongs to."""
    quoted = _quoted_rows(columns, grid)
    depth = 1 if len(grid.table.rows) > 1 else 0
    groups = list(dict.fromkeys(row.key[:depth] for row in rows))
    ordered = [row for row in quoted if depth and row.key[0] is None]
    for group in groups:
        ordered += [row for row in (*quoted, *rows) if row.key[:depth] == group]
    return ordered


def _quoted_rows(columns: list[Column], grid: Grid) -> list[Row]:
    layout = grid.table
    numbers: dict[tuple[Any, ...], dict[Column, float]] = {}
    for metric in layout.metrics:
        for entry in quoted_values(grid, metric):
            column = tuple(entry.axes.get(axis) for axis in layout.columns), metric
            if column in columns:
                key = (*(entry.axes.get(axis) for axis in layout.rows), entry.row)
                numbers.setdefault(key, {})[column] = entry.value
    made = []
    for (*where, name), values in numbers.items():
        labels = [
            "" if value is None else display_name(axis, value, layout.names)
            for axis, value in zip(layout.rows, where, strict=True)
        ]
        # the printed head of the row stands where ours have their method
        open_places = [i for i, axis in enumerate(layout.rows) if axis == "method"]
        open_places += [i for i, value in enumerate(where) if value is None]
        if labels:
            labels[open_places[0] if open_places else -1] = f"{name} †"
        entries = tuple(Entry(mean=values.get(c), of=int(c in values)) for c in columns)
        made.append(Row(tuple(where), tuple(labels), entries, quoted=True))
    return made


def _mark_best(rows: list[Row], grid: Grid, lower_is_better: tuple[bool, ...]) -> list[Row]:
    """Mark each column's best at one decimal, among rows of the same data set and percentage."""
    alike = [i for i, axis in enumerate(grid.table.rows) if axis in ("dataset", "labels")]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(tuple(row.key[i] for i in alike), []).append(place)
    marked = [list(row.entries) for row in rows]
    for members in groups.values():
        for column in range(len(rows[0].entries)):
            means = {place: rows[place].entries[column].mean for place in members}
            known = {place: round(mean, 1) for place, mean in means.items() if mean is not None}
            choose = min if lower_is_better[column] else max
            best = choose(known.values(), default=None)
            for place, mean in known.items():
                if len(known) > 1 and mean == best:
                    marked[place][column] = replace(marked[place][column], best=True)
    return [replace(row, entries=tuple(entries)) for row, entries in zip(rows, marked, strict=True)]


def _legend(rows: list[Row], records: list[Record], grid: Grid, uniform: bool) -> list[str]:
    entries = [entry for row in rows for entry in row.entries]
    splits = " and ".join(
        SPLIT_NAMES[split] for split in dict.fromkeys(record["split"] for record in records)
    )
    metrics = grid.table.metrics
    chosen = f"; {source(records[0])}" if uniform and records else ""
    lines = [f"{metrics_and_units(metrics, splits)}{chosen}."] if records else []
    checkpoints = {at for entry in entries for at in entry.checkpoints}
    if len(checkpoints) > 1:
        lines.append("@: iteration of the scored checkpoint.")
    elif checkpoints:
        lines.append(f"Every checkpoint is that of iteration {checkpoints.pop():,}.")
    if any(entry.of > 1 for entry in entries):
        over = " and ".join(f"{axis}s" for axis in grid.table.average)
        lines.append(f"Mean ± standard deviation over {over} (their number).")
    lines += _about_published(rows, grid)
    if any(row.quoted for row in rows):
        lines.append("†: quoted from the paper, not trained here.")
    lowest = [METRICS[metric].words for metric in metrics if not METRICS[metric].higher_is_better]
    if lowest:
        lines.append(f"The lowest number is the best in {' and '.join(lowest)}.")
    signs = {entry.hole.split(" ")[0] for entry in entries if entry.hole}
    if "…" in signs:
        lines.append("…: running, with the share of its iterations that is done.")
    if "interrupted" in signs:
        lines.append("interrupted: begun and not running; another launch goes on from there.")
    if "–" in signs:
        lines.append("–: missing, not begun.")
    if "not" in signs:
        lines.append("not measured: scored without this metric; another launch measures it.")
    if "n/a" in signs:
        absent = dict.fromkeys(METRICS[metric].absent for metric in metrics)
        lines.append(f"n/a: {'; or '.join(absent)}.")
    return lines


def _about_published(rows: list[Row], grid: Grid) -> list[str]:
    """How published values and verdicts are to be read, and where there is none and why."""
    judged: dict[tuple[str, str], list[float]] = {}
    stated = []
    for row in rows:
        for entry, metric in zip(row.entries, itertools.cycle(grid.table.metrics), strict=False):
            if entry.published is not None:
                stated.append(entry)
                if entry.delta is not None:
                    dataset = grid.cells[entry.cells[0]].settings.dataset.name
                    judged.setdefault((dataset, metric), []).append(entry.delta)
    lines = []
    if stated:
        twice = any(len(entry.printed) > 1 for entry in stated)
        both = "; the mean of both where it prints two" if twice else ""
        lines.append(f"Published: the paper's number, and ours minus the paper's{both}.")
    if judged:
        noise = "; ".join(_noise(dataset, metric, grid) for dataset, metric in judged)
        lines.append(
            "Within, below, above: chance alone puts 1 of 20 numbers outside the interval, which "
            "has the noise of the published run in it (docs/verdicts.md). Noise between runs: "
            f"{noise}. What ours does otherwise than the paper: docs/deviations.md."
        )
    averages = [_average(*where, deltas, grid) for where, deltas in judged.items()]
    if any(averages):
        lines.append(f"On average ours minus published: {'; '.join(filter(None, averages))}.")
    beside = [entry for metric in grid.table.metrics for entry in unjudged(grid, metric)]
    return lines + list(dict.fromkeys(_unjudged(entry, grid) for entry in beside))


def _unjudged(entry: PublishedValue, grid: Grid) -> str:
    axes = (entry.unjudged or {}).items()
    name = " ".join(display_name(axis, value, grid.table.names) for axis, value in axes)
    return f"No verdict on {name} by {entry.row} †: {entry.because}."


def _average(dataset: str, metric: str, deltas: list[float], grid: Grid) -> str:
    """`COCO -0.5 ± 0.2 over 36 numbers`: many small losses are seen together; empty of few numbers.

    The interval is by the scatter of the differences themselves.
    """
    interval = interval_of_pairs(Spread(), deltas)
    if interval is None or len(deltas) < LEAST_TO_AVERAGE:
        return ""
    mean = f"{signed(fmean(deltas))} ± {number(interval.alone)}"
    return f"{_measured(dataset, metric, grid)} {mean} over {len(deltas)} numbers"


def _measured(dataset: str, metric: str, grid: Grid) -> str:
    name = display_name("dataset", dataset, grid.table.names)
    return f"{name} {METRICS[metric].short}" if metric != "AP" else name


def _noise(dataset: str, metric: str, grid: Grid) -> str:
    name = _measured(dataset, metric, grid)
    known = grid.claims.spread(dataset, metric)
    if not known.degrees:
        return f"{name}, the scatter of our seeds"
    return (
        f"{name}, {known.sd:.2g} points ({grid.claims.noise_source(dataset, metric)}; "
        f"{known.degrees} degrees of freedom) and the scatter of our seeds"
    )
