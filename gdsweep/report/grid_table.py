"""A grid's table from its results.

Seeds are averaged; holes stay visible with their reason; every number has its checkpoint.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from gdsweep.config import METRICS
from gdsweep.grid import Grid, TableLayout
from gdsweep.report.display import display_name, heading, in_order
from gdsweep.report.entries import Entry, Notes, Record, make_entry, source
from gdsweep.report.legends import legend, remarks
from gdsweep.report.orderings import check_orderings
from gdsweep.report.published import published_values, quoted_values
from gdsweep.report.subtables import subtables
from gdsweep.report.tables import Row, Table, mark_best

Column = tuple[tuple[Any, ...], str]
"""Values of the column axes, and the metric."""


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
            block=_block(key, layout),
        )
        for key in in_order(row for row, _ in groups)
    ]
    lower = tuple(not METRICS[metric].higher_is_better for _, metric in columns)
    rows = mark_best(_with_quoted(rows, columns, grid), lower)
    several = len(layout.metrics) > 1
    table = Table(
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
        legend=tuple(legend(rows, records, grid, uniform)),
        remarks=tuple(remarks(rows, grid)),
        orderings=tuple(check_orderings(frame, grid)),
        command=command,
        lower_is_better=lower if any(lower) else (),
    )
    return replace(table, subtables=subtables(table, [key for key, _ in columns], grid))


def _key(record: Record, axes: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(record[axis] for axis in axes)


def _block(key: tuple[Any, ...], layout: TableLayout) -> tuple[Any, ...]:
    """What rows that are compared have in common: data set, percentage, subtable, outer group."""
    apart = ("dataset", "labels", *layout.subtables)
    common = [value for axis, value in zip(layout.rows, key, strict=True) if axis in apart]
    inner = [
        value for axis, value in zip(layout.rows, key, strict=True) if axis not in layout.subtables
    ]
    return (*common, *inner[:1]) if len(inner) > 1 else tuple(common)


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
        inner = [i for i, axis in enumerate(layout.rows) if axis not in layout.subtables]
        open_places = [i for i in inner if layout.rows[i] == "method"]
        open_places += [i for i in inner if where[i] is None]
        if labels:
            labels[open_places[0] if open_places else -1] = f"{name} †"
        entries = tuple(Entry(mean=values.get(c), of=int(c in values)) for c in columns)
        key = tuple(where)
        block = _block(key, layout)
        made.append(Row(key, tuple(labels), entries, quoted=True, head=name, block=block))
    return made
