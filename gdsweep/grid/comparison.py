"""What a figure singles out: a point of ours beside another method's.

figure:
  compare: {cell: {method: guided, labels: 1}, row: Polite Teacher - R50 (IN-1k) [9], at: 10}
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gdsweep.grid.cell import Cell
from gdsweep.grid.differences import axis_values
from gdsweep.grid.expand import Axes
from gdsweep.grid.layout import ComparedPoint, FigureLayout
from gdsweep.grid.names import nearest
from gdsweep.grid.published import PublishedValue
from gdsweep.grid.schema import ComparisonEntry
from gdsweep.grid.yaml_lines import Document, KeyPath, plain


def with_comparison(
    document: Document,
    entry: ComparisonEntry,
    figure: FigureLayout,
    axes: Axes,
    cells: Sequence[Cell],
    published: Iterable[PublishedValue],
) -> FigureLayout:
    """The figure with what it singles out. Raises BadInput where one of the points is not there."""
    path: KeyPath = ("figure", "compare")
    if figure.x is None:
        document.fail(path, "goes with a figure that has an axis of numbers")
    cell = axis_values(document, (*path, "cell"), entry.cell, axes)
    needed = {*figure.lines, figure.x, *([figure.panels] if figure.panels else [])}
    if cell.keys() != needed:
        said = ", ".join(sorted(needed))
        document.fail((*path, "cell"), f"must name the axes of the figure, no more: {said}")
    if not any(all(one.axes[axis] == value for axis, value in cell.items()) for one in cells):
        document.fail((*path, "cell"), "the grid has no such cell")
    quoted = [v for v in published if v.quoted and v.metric == figure.metric]
    rows = list(dict.fromkeys(value.row for value in quoted))
    if entry.row not in rows:
        document.fail(
            (*path, "row"), f"no quoted row is called {entry.row}{nearest(entry.row, rows)}"
        )
    places = sorted({v.axes[figure.x] for v in quoted if v.row == entry.row}, key=float)  # type: ignore[arg-type]
    if entry.at not in places:
        said = ", ".join(map(plain, places))
        document.fail((*path, "at"), f"the row has no number at {entry.at:g}; it has {said}")
    return replace(figure, compare=ComparedPoint(cell, entry.row, entry.at))
