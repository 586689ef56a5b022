"""A table as the tables (a), (b), ... that a paper prints under one caption."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gdsweep.grid import Grid
from gdsweep.report.display import display_name, in_order
from gdsweep.report.tables import Row, Table


def subtables(table: Table, columns: Sequence[tuple[Any, ...]], grid: Grid) -> tuple[Table, ...]:
    """The grid's `table` split by the axes that its layout names (`subtables`); empty without any.

    `columns` are the values of the column axes, one a column. One subtable per combination of
    values that some cell has, the outermost axis varying slowest; rows and columns without a number
    or a hole of theirs are left out.
    """
    layout = grid.table
    if not layout.subtables:
        return ()
    combinations = in_order(
        tuple(cell.axes[axis] for axis in layout.subtables) for cell in grid.cells
    )
    made = []
    for letter, values in zip(_letters(len(combinations)), combinations, strict=True):
        wanted = dict(zip(layout.subtables, values, strict=True))
        words = {axis: display_name(axis, value, layout.names) for axis, value in wanted.items()}
        part = _part(table, columns, wanted, grid)
        caption = layout.subcaption or ", ".join(filter(None, words.values()))
        for axis, word in words.items():
            caption = caption.replace(f"{{{axis}}}", word)
        made.append(replace(part, name=f"{table.name}-{letter}", caption=f"({letter}) {caption}"))
    return tuple(made)


def _part(
    table: Table, columns: Sequence[tuple[Any, ...]], wanted: dict[str, Any], grid: Grid
) -> Table:
    layout = grid.table
    rows = [row for row in table.rows if _agrees(row.key, layout.rows, wanted, row.quoted)]
    # quoted rows in the order of the printed table that this one repeats, each block for itself
    printed = [entry.row for entry in grid.published if _concerns(entry.axes, wanted)]
    blocks = [row.block for row in rows]
    rows.sort(key=lambda row: (blocks.index(row.block), [*printed, row.head].index(row.head)))
    places = [
        place
        for place, key in enumerate(columns)
        if _agrees(key, layout.columns, wanted)
        and any(row.entries[place].of for row in rows if not row.quoted)
    ]
    part = replace(table, rows=tuple(rows)).with_columns(places)
    stay = [place for place, axis in enumerate(layout.rows) if axis not in wanted]
    # where there are several metrics they are a level more than there are column axes
    levels = [
        place
        for place in range(len(table.headings))
        if place >= len(layout.columns) or layout.columns[place] not in wanted
    ]
    return replace(
        part,
        stub=tuple(table.stub[place] for place in stay),
        headings=tuple(table.headings[place] for place in levels),
        columns=tuple(tuple(column[place] for place in levels) for column in part.columns),
        rows=tuple(_row(row, stay) for row in part.rows if any(e.of for e in row.entries)),
        notes=(),
        legend=(),
        remarks=(),
        orderings=(),
    )


def _row(row: Row, stay: Sequence[int]) -> Row:
    return replace(
        row,
        key=tuple(row.key[place] for place in stay),
        labels=tuple(row.labels[place] for place in stay),
    )


def _agrees(
    key: tuple[Any, ...], axes: Sequence[str], wanted: dict[str, Any], quoted: bool = False
) -> bool:
    """Whether values of axes are those that are wanted; a quoted row may leave an axis open."""
    return all(
        value == wanted[axis] or (quoted and value is None)
        for axis, value in zip(axes, key, strict=True)
        if axis in wanted
    )


def _concerns(axes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(axes.get(axis, value) == value for axis, value in wanted.items())


def _letters(count: int) -> list[str]:
    """`a`, `b`, ..., `z`, `aa`, ...: as many as there are subtables."""
    alphabet = string.ascii_lowercase
    rounds = -(-count // len(alphabet))
    return [letter * (1 + turn) for turn in range(rounds) for letter in alphabet][:count]
