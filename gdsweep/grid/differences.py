"""Differences between cells that a grid asks for, paired by what is averaged.

    differences:
      - {of: {method: guided}, minus: {method: supervised}, metrics: [AP, AP50]}

Seeds share their label split, so a difference per seed says more than one of means.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gdsweep.grid.assignments import Origin, Scalar, read_axis_name
from gdsweep.grid.cell import Cell
from gdsweep.grid.expand import Axes
from gdsweep.grid.layout import TableLayout, read_metrics
from gdsweep.grid.names import nearest
from gdsweep.grid.schema import GridFile
from gdsweep.grid.yaml_lines import Document, KeyPath, plain


@dataclass(frozen=True)
class Difference:
    """One kind of cell minus another."""

    of: dict[str, Scalar]
    """Axis to value of the cells that are compared."""
    minus: dict[str, Scalar]
    """The same axes, with the values of what is taken away."""
    name: str
    """What it is called; empty where the axes' values say it."""
    metrics: tuple[str, ...]
    """Keys of the metrics that are compared."""

    def pairs(self, cells: Sequence[Cell]) -> list[tuple[int, int]]:
        """Places of cells that differ in these values alone: compared and taken away."""
        places = {tuple(cell.axes.items()): place for place, cell in enumerate(cells)}
        found = []
        for place, cell in enumerate(cells):
            if all(cell.axes[axis] == value for axis, value in self.of.items()):
                other = places.get(tuple({**cell.axes, **self.minus}.items()))
                if other is not None:
                    found.append((place, other))
        return found


def read_differences(
    document: Document, page: GridFile, axes: Axes, table: TableLayout, cells: Sequence[Cell]
) -> tuple[Difference, ...]:
    """The differences a grid asks for. Raises BadInput where one names no pair of cells."""
    found = []
    for index, entry in enumerate(page.differences):
        path: KeyPath = ("differences", index)
        of = axis_values(document, (*path, "of"), entry.of, axes)
        minus = axis_values(document, (*path, "minus"), entry.minus, axes)
        if of.keys() != minus.keys():
            apart = ", ".join(sorted(of.keys() ^ minus.keys()))
            document.fail(path, f"of and minus must name the same axes, unlike {apart}")
        for axis in of:
            if axis in table.columns:
                document.fail(path, f"{axis} is a column of the table; a row's axis is compared")
        metrics = table.metrics
        if entry.metrics is not None:
            metrics = read_metrics(document, (*path, "metrics"), entry.metrics)
        difference = Difference(of, minus, entry.name or "", metrics)
        pairs = difference.pairs(cells)
        if not pairs:
            document.fail(path, "no two cells differ in just these values")
        _check_slots(document, path, difference, table, [cells[place] for place, _ in pairs])
        found.append(difference)
    return tuple(found)


def axis_values(
    document: Document, path: KeyPath, entries: dict[str, Any], axes: Axes
) -> dict[str, Scalar]:
    """Axes and values that a page names, each checked on its line. Raises BadInput."""
    found: dict[str, Scalar] = {}
    for key, value in entries.items():
        name = read_axis_name(Origin(document, (*path, key)), key, axes.names)
        possible = axes.scope[name]
        if value not in possible:
            hint = nearest(plain(value), sorted(map(plain, possible)))
            document.fail((*path, key), f"{plain(value)} is no value of {name}{hint}")
        found[name] = value
    if not found:
        document.fail(path, "must name an axis and its value, as {method: guided}")
    return found


def _check_slots(
    document: Document,
    path: KeyPath,
    difference: Difference,
    table: TableLayout,
    compared: Sequence[Cell],
) -> None:
    """Each row axis that is not averaged is compared, or has one value."""
    for axis in table.rows:
        values = {cell.axes[axis] for cell in compared}
        if axis not in difference.of and len(values) > 1:
            some = " and ".join(sorted(map(plain, values))[:2])
            document.fail(path, f"{axis} is not named, so its {some} would stand in one slot")
