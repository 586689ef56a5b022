"""Which published value stands beside which cell."""

from gdsweep.grid import Cell, Grid, PublishedValue


def published_values(grid: Grid, metric: str) -> dict[int, float]:
    """Published value per cell, by the cell's place in `grid.cells`; cells without one are absent.

    An entry belongs to the cells that agree with all it names. Where they differ among themselves
    in an axis the entry does not name (a weight that an ablation varies, say), nothing tells which
    of them the paper means: such an entry stands beside none. Averaged axes do not count.
    """
    found: dict[int, float] = {}
    for entry in grid.published if metric == "AP" else ():
        places = [place for place, cell in enumerate(grid.cells) if entry.matches(cell)]
        unnamed = [a for a in grid.axes if a not in entry.axes and a not in grid.table.average]
        kinds = {tuple(grid.cells[place].axes[axis] for axis in unnamed) for place in places}
        if len(kinds) == 1:
            for place in places:
                found.setdefault(place, entry.AP)
    return found


def quoted_values(grid: Grid, metric: str) -> list[PublishedValue]:
    """Entries of other people's methods: rows (or curves) of their own, marked.

    Only those measured as some cell of the grid is: same data set and so on. Their method and
    backbone need not be among ours.
    """
    return [
        entry
        for entry in grid.published
        if entry.quoted and metric == "AP" and any(_alike(entry, cell) for cell in grid.cells)
    ]


def _alike(entry: PublishedValue, cell: Cell) -> bool:
    return all(
        cell.coordinates.get(axis) == value
        for axis, value in entry.axes.items()
        if axis not in ("method", "backbone")
    )
