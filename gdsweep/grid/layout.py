"""How the cells make a table and a figure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdsweep.config import FIGURES, METRICS, always_measured
from gdsweep.grid.assignments import Origin, Scalar, read_axis_name
from gdsweep.grid.cell import Cell
from gdsweep.grid.expand import Axes
from gdsweep.grid.names import nearest
from gdsweep.grid.schema import FigureEntry, GridFile, TableEntry
from gdsweep.grid.yaml_lines import Document, Key, KeyPath, plain


@dataclass(frozen=True)
class TableLayout:
    """A table of the cells."""

    caption: str
    """Caption."""
    rows: tuple[str, ...]
    """Axes down the side, outermost first."""
    columns: tuple[str, ...]
    """Axes along the top, outermost first."""
    average: tuple[str, ...]
    """Axes over which a number is a mean and a spread."""
    metrics: tuple[str, ...]
    """Keys of the metrics that are shown, side by side; at least one."""
    names: dict[str, dict[Scalar, str]]
    """Axis to value to the words it is shown by."""
    subtables: tuple[str, ...] = ()
    """Axes of rows or columns whose values each have a subtable, outermost first."""
    subcaption: str = ""
    """Their caption, with axes in braces; empty: the shown values."""

    @property
    def metric(self) -> str:
        """The first metric: the one that is shown where there is room for one."""
        return self.metrics[0]


@dataclass(frozen=True)
class ComparedPoint:
    """A point of ours, and the quoted one it is shown beside."""

    cell: dict[str, Scalar]
    """Axis to value, of the figure's lines, x axis and panels."""
    row: str
    """The quoted row's head."""
    at: float
    """Its value on the x axis."""


@dataclass(frozen=True)
class FigureLayout:
    """A figure of the cells."""

    kind: str
    """A key of FIGURES."""
    x: str | None
    """The axis of numbers; None where it is the iteration."""
    lines: tuple[str, ...]
    """One line per combination of values of these axes."""
    panels: str | None
    """One panel per value of this axis; None for a single panel."""
    average: tuple[str, ...]
    """Axes over which a point is a mean and a spread."""
    metric: str
    """Key of the metric that is shown."""
    caption: str
    """Caption."""
    compare: ComparedPoint | None = None
    """What is singled out."""


def read_table(
    document: Document, page: GridFile, axes: Axes, cells: Sequence[Cell]
) -> TableLayout:
    """The table's layout. Raises BadInput where two cells would stand in one slot."""
    entry = page.table
    used: dict[str, KeyPath] = {}
    rows = _axes(document, ("table", "rows"), entry.rows, axes, used)
    columns = _axes(document, ("table", "columns"), entry.columns, axes, used)
    average = _axes(document, ("table", "average"), entry.average, axes, used, optional=("seed",))
    left = [name for name in axes.names if name not in used]
    if columns is None:
        columns = tuple(name for name in left if name in ("dataset", "labels"))
        left = [name for name in left if name not in columns]
    if rows is None:
        rows = tuple(left)
    _check_slots(document, ("table",), "rows nor columns", (*rows, *columns), average or (), cells)
    subtables = _subtables(document, entry, axes, (*rows, *columns))
    return TableLayout(
        caption=entry.caption or page.title,
        rows=rows,
        columns=columns,
        average=average or (),
        metrics=_table_metrics(document, entry),
        names=_names(document, entry.names, axes),
        subtables=subtables,
        subcaption=entry.subcaption,
    )


def read_figure(
    document: Document, entry: FigureEntry, table: TableLayout, axes: Axes, cells: Sequence[Cell]
) -> FigureLayout:
    """The figure's layout. Raises BadInput for axes it cannot be drawn from."""
    if entry.kind not in FIGURES:
        hint = nearest(entry.kind, FIGURES)
        document.fail(("figure", "kind"), f"no figure is called {plain(entry.kind)}{hint}")
    used: dict[str, KeyPath] = {}
    said: dict[str, list[str]] = {
        "x": [entry.x] if FIGURES[entry.kind].against == "axis" else [],
        "lines": [entry.lines] if isinstance(entry.lines, str) else entry.lines,
        "panels": [entry.panels] if entry.panels is not None else [],
    }
    found: dict[str, tuple[str, ...]] = {}
    for key, values in said.items():
        path = ("figure", key)
        names = [read_axis_name(Origin(document, path), value, axes.names) for value in values]
        for name in names:
            if name in used:
                document.fail(path, f"{name} is used in the same figure already")
            used[name] = path
        found[key] = tuple(names)
    for name in found["x"]:
        for number in axes.scope[name]:
            if isinstance(number, bool) or not isinstance(number, int | float):
                document.fail(("figure", "x"), f"{name} has the value {plain(number)}, no number")
    parts = "x, lines nor panels" if found["x"] else "lines nor panels"
    _check_slots(document, ("figure",), parts, used, table.average, cells)
    return FigureLayout(
        kind=entry.kind,
        x=next(iter(found["x"]), None),
        lines=found["lines"],
        panels=next(iter(found["panels"]), None),
        average=table.average,
        metric=_figure_metric(document, entry, table),
        caption=entry.caption or table.caption,
    )


def read_metrics(document: Document, path: KeyPath, keys: Sequence[str]) -> tuple[str, ...]:
    """Keys of metrics, each checked on its line. Raises BadInput for what is no metric."""
    if not keys:
        document.fail(path, f"names no metric{nearest('', METRICS)}")
    for place, key in enumerate(keys):
        _one_metric(document, (*path, place), key)
        if key in keys[:place]:
            document.fail((*path, place), f"{key} is named already")
    return tuple(keys)


def _subtables(
    document: Document, entry: TableEntry, axes: Axes, placed: Sequence[str]
) -> tuple[str, ...]:
    """Axes that split the table. Raises BadInput for one that is in neither rows nor columns."""
    names = _axes(document, ("table", "subtables"), entry.subtables, axes, {}) or ()
    for place, name in enumerate(names):
        if name not in placed:
            path = ("table", "subtables", place)
            document.fail(
                path, f"{name} is in neither rows nor columns; valid: {', '.join(placed)}"
            )
    for field in re.findall(r"\{(.*?)\}", entry.subcaption):
        if field not in names:
            valid = ", ".join(f"{{{name}}}" for name in names) or "nothing without subtables"
            document.fail(
                ("table", "subcaption"), f"{{{field}}} is none of table.subtables; valid: {valid}"
            )
    return names


def _table_metrics(document: Document, entry: TableEntry) -> tuple[str, ...]:
    if entry.metrics is not None:
        if entry.metric is not None:
            document.fail(("table", "metric"), "stands beside metrics; give one of the two")
        return read_metrics(document, ("table", "metrics"), entry.metrics)
    return (_one_metric(document, ("table", "metric"), entry.metric or "AP"),)


def _figure_metric(document: Document, entry: FigureEntry, table: TableLayout) -> str:
    path = ("figure", "metric")
    metric = table.metric if entry.metric is None else _one_metric(document, path, entry.metric)
    if FIGURES[entry.kind].against == "iteration" and METRICS[metric].on_demand:
        document.fail(
            path if entry.metric is not None else ("figure", "kind"),
            f"{metric} is not measured during training, so there is no curve of it; "
            f"valid: {', '.join(always_measured())}",
        )
    return metric


def _one_metric(document: Document, path: KeyPath, key: str) -> str:
    if key not in METRICS:
        document.fail(path, f"no metric is called {plain(key)}{nearest(key, METRICS)}")
    return key


def _axes(
    document: Document,
    path: KeyPath,
    names: Sequence[str] | None,
    axes: Axes,
    used: dict[str, KeyPath],
    optional: Iterable[str] = (),
) -> tuple[str, ...] | None:
    if names is None:
        return None
    found = []
    for index, key in enumerate(names):
        at = (*path, index)
        if key in optional and key not in axes.names:
            continue
        name = read_axis_name(Origin(document, at), key, axes.names)
        if name in used:
            document.fail(at, f"{name} is used in line {document.line(used[name])} already")
        used[name] = at
        found.append(name)
    return tuple(found)


def _check_slots(
    document: Document,
    path: KeyPath,
    parts: str,
    placed: Iterable[str],
    average: Sequence[str],
    cells: Sequence[Cell],
) -> None:
    """Two cells may share a slot only if they differ in averaged axes alone."""
    placed = tuple(placed)
    apart = [name for name in cells[0].axes if name not in placed and name not in average]
    seen: dict[tuple[Scalar, ...], Cell] = {}
    for cell in cells if apart else ():
        other = seen.setdefault(tuple(cell.axes[name] for name in placed), cell)
        for name in apart:
            if other.axes[name] != cell.axes[name]:
                both = f"{plain(other.axes[name])} and {plain(cell.axes[name])}"
                document.fail(
                    path, f"{name} is in neither {parts}, so its {both} would stand in one slot"
                )


def _names(
    document: Document, entries: dict[str, dict[Key, str]], axes: Axes
) -> dict[str, dict[Scalar, str]]:
    names: dict[str, dict[Scalar, str]] = {}
    for key, words in entries.items():
        path = ("table", "names", key)
        axis = read_axis_name(Origin(document, path), key, axes.names)
        possible = axes.scope[axis]
        for value in words:
            if value not in possible:
                hint = nearest(plain(value), sorted(map(plain, possible)))
                document.fail((*path, value), f"{plain(value)} is no value of {axis}{hint}")
        names[axis] = dict(words)
    return names
