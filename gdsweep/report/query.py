"""The one cell that a few words mean: `shapes 5 guided`, `coco 1 resnet50 seed=0`."""

from collections.abc import Sequence

from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Grid
from gdsweep.report.display import display_name

MOST = 8
"""Candidates that a complaint lists."""


def find_cell(grid: Grid, words: Sequence[str]) -> int:
    """The place in `grid.cells` of the one cell that all words fit.

    A word is a value of an axis, as the grid writes it or as the table shows it, in any case; or
    `axis=value`, which averaged axes demand: a bare 1 is a percentage and no seed. No two words
    stand for the same axis. Where cells fit that differ in their method alone it is the guided one,
    the paper's. Raises BadInput with the candidates where no cell or more than one fits.
    """
    fitting = [place for place, cell in enumerate(grid.cells) if _fits(grid, cell, list(words))]
    fitting = _guided(grid, fitting) or fitting
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        said = f"{len(fitting)} numbers fit"
        choices = [grid.cells[place].label for place in fitting]
    else:
        idle = [word for word in words if not any(_fits(grid, c, [word]) for c in grid.cells)]
        said = f"no number fits{f' {idle[0]}' if idle else ' all these words together'}"
        choices = _choices(grid, [word for word in words if word not in idle])
    more = f"; and {len(choices) - MOST} more" if len(choices) > MOST else ""
    raise BadInput(f"{grid.name} {' '.join(words)}: {said}: {'; '.join(choices[:MOST])}{more}")


def _guided(grid: Grid, fitting: list[int]) -> list[int]:
    """The guided one among places that differ in their method alone."""
    cells = [grid.cells[place] for place in fitting]
    rest = {tuple(v for axis, v in cell.axes.items() if axis != "method") for cell in cells}
    guided = [place for place in fitting if grid.cells[place].settings.method == "guided"]
    return guided if len(rest) == 1 else []


def _choices(grid: Grid, words: list[str]) -> list[str]:
    near = [cell.label for cell in grid.cells if _fits(grid, cell, words)]
    return near or [cell.label for cell in grid.cells]


def _fits(grid: Grid, cell: Cell, words: list[str]) -> bool:
    """Whether every word can be given an axis of its own."""
    if not words:
        return True
    word, *rest = words
    places = {**cell.coordinates, **cell.axes}
    return any(
        _means(grid, word, axis, value) and _fits(grid, _without(cell, axis), rest)
        for axis, value in places.items()
    )


def _without(cell: Cell, axis: str) -> Cell:
    left = {name: value for name, value in cell.axes.items() if name != axis}
    others = {name: value for name, value in cell.coordinates.items() if name != axis}
    return Cell(left, cell.settings, cell.supervised, others)


def _means(grid: Grid, word: str, axis: str, value: object) -> bool:
    key, _, said = word.rpartition("=")
    if key not in (axis, axis.rsplit(".", 1)[-1]) and (key or axis in grid.table.average):
        return False
    said = said.strip().casefold()
    names = {str(value), display_name(axis, value, {}), display_name(axis, value, grid.table.names)}
    forms = {name.casefold() for name in names}
    return said in forms | {form.replace(" ", "") for form in forms}
