"""What one kind of cell gains over another, paired by seed: a table like the grid's own."""

import math
from typing import Any

import pandas as pd

from gdsweep.config import METRICS
from gdsweep.grid import Difference, Grid
from gdsweep.report.display import display_name, heading, in_order
from gdsweep.report.entries import Entry, Record, entry_of
from gdsweep.report.intervals import interval_of_pairs
from gdsweep.report.tables import Row, Table


def paired_differences(frame: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Every pair of every difference the grid asks for, a row each, from its results.

    Columns: `difference`, `metric`, the axes of what is compared, both values in percent,
    `points` (their difference; NaN where a score is missing) and both runs.
    """
    records: list[Record] = frame.to_dict("records")
    return pd.DataFrame(
        {
            "difference": _name(difference, grid),
            "metric": metric,
            **{axis: records[one][axis] for axis in grid.axes},
            "value": records[one][metric],
            "taken_away": records[other][metric],
            "points": records[one][metric] - records[other][metric],
            "run": records[one]["run"],
            "run_taken_away": records[other]["run"],
        }
        for difference in grid.differences
        for one, other in difference.pairs(grid.cells)
        for metric in difference.metrics
    )


def paired_difference_table(frame: pd.DataFrame, grid: Grid, command: str = "") -> Table:
    """The `differences` that a grid asks for, from its results (see `results`).

    A number is the mean over pairs of the difference in points, with its sample standard deviation,
    how many of the pairs are above zero, and its interval (see `intervals`). A pair without both
    scores is left out, and counted.
    """
    records: list[Record] = frame.to_dict("records")
    columns = in_order(tuple(record[axis] for axis in grid.table.columns) for record in records)
    rows = []
    for number, difference in enumerate(grid.differences):
        groups: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        for pair in difference.pairs(grid.cells):
            column = tuple(records[pair[0]][axis] for axis in grid.table.columns)
            groups.setdefault(column, []).append(pair)
        for metric in difference.metrics:
            entries = [_entry(groups.get(column, []), records, metric, grid) for column in columns]
            labels = (_name(difference, grid), METRICS[metric].words)
            rows.append(Row((number, metric), labels, tuple(entries)))
    over = " and ".join(f"{axis}s" for axis in grid.table.average)
    return Table(
        name=f"{grid.name}-differences",
        caption=f"{grid.table.caption} Paired differences.",
        metric="Difference in points",
        stub=("Difference", "Metric"),
        headings=tuple(heading(axis) for axis in grid.table.columns),
        columns=tuple(
            tuple(
                display_name(axis, value, grid.table.names)
                for axis, value in zip(grid.table.columns, column, strict=True)
            )
            for column in columns
        ),
        rows=tuple(rows),
        notes=(),
        legend=(
            f"Mean ± standard deviation over {over} (pairs above zero / pairs). Each interval is "
            "for itself: of 20 differences that are none, 1 has an interval without zero.",
        ),
        command=command,
    )


def _entry(pairs: list[tuple[int, int]], records: list[Record], metric: str, grid: Grid) -> Entry:
    if not pairs:
        return Entry()
    both = [records[one][metric] - records[other][metric] for one, other in pairs]
    values = [value for value in both if not math.isnan(value)]
    prior = grid.claims.spread(grid.cells[pairs[0][0]].settings.dataset.name, metric)
    interval = interval_of_pairs(prior, values) if values else None
    return entry_of(
        both,
        above=sum(value > 0 for value in values),
        half_width=interval.alone if interval else None,
    )


def _name(difference: Difference, grid: Grid) -> str:
    if difference.name:
        return difference.name
    sides = [
        " ".join(
            filter(None, (display_name(a, value, grid.table.names) for a, value in side.items()))
        )
        for side in (difference.of, difference.minus)
    ]
    return " − ".join(sides)
