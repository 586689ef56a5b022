"""Which published value stands beside which cell."""

from gdsweep.grid import Cell, Grid, PublishedValue


def published_values(grid: Grid, metric: str) -> dict[int, PublishedValue]:
    """Published value of each cell that has one, by the cell's place in `grid.cells`."""
    return grid.published_values(metric)


def quoted_values(grid: Grid, metric: str) -> list[PublishedValue]:
    """Entries of other people's methods: rows (or curves) of their own, marked.

    Only those measured as some cell of the grid is: same data set and so on. Their method and
    backbone need not be among ours.
    """
    return [
        entry
        for entry in grid.published
        if entry.quoted
        and entry.metric == metric
        and any(_alike(entry, cell) for cell in grid.cells)
    ]


def unjudged(grid: Grid, metric: str) -> list[PublishedValue]:
    """Quoted values beside which cells of ours stand without a verdict."""
    return [
        entry
        for entry in quoted_values(grid, metric)
        if entry.unjudged is not None
        and any(
            all(cell.coordinates.get(a) == v for a, v in {**entry.axes, **entry.unjudged}.items())
            for cell in grid.cells
        )
    ]


def _alike(entry: PublishedValue, cell: Cell) -> bool:
    return all(
        cell.coordinates.get(axis) == value
        for axis, value in entry.axes.items()
        if axis not in ("method", "backbone")
    )
