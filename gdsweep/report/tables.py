"""A table independent of any output format: rows of entries, and what is to be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gdsweep.report.entries import Entry
from gdsweep.report.orderings import Checked


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
    head: str = ""
    """The head of a quoted row as printed."""
    block: tuple[Any, ...] = ()
    """Rows of one block are compared with one another; equal neighbours stand together."""


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
    remarks: tuple[str, ...] = ()
    """How published values and verdicts came about; too long to stand under every table."""
    orderings: tuple[Checked, ...] = ()
    """What the paper claims to be better than what, checked on these numbers."""
    command: str = ""
    """The command that made it."""
    lower_is_better: tuple[bool, ...] = ()
    """Whether the lowest number wins, by column; empty where the highest wins in all."""
    subtables: tuple["Table", ...] = ()
    """The same numbers as tables (a), (b), ... where the grid's layout splits it (`subtables`)."""

    @property
    def spread_out(self) -> bool:
        """Whether the scored checkpoints are of differing iterations."""
        return (
            len({at for row in self.rows for entry in row.entries for at in entry.checkpoints}) > 1
        )

    @property
    def parts(self) -> tuple["Table", ...]:
        """What is printed under the one caption: its subtables, or itself; each `compact`."""
        return tuple(part.compact for part in self.subtables or (self,))

    @property
    def compact(self) -> "Table":
        """The table without levels of columns that have one value; that heads all columns."""
        levels = range(len(self.headings))
        values = [{column[level] for column in self.columns} for level in levels]
        if not any(len(found) == 1 for found in values):
            return self
        stay = [level for level in levels if len(values[level]) > 1]
        return replace(
            self,
            headings=tuple(
                heading if level in stay else next(iter(values[level]))
                for level, heading in enumerate(self.headings)
            ),
            columns=tuple(tuple(column[level] for level in stay) for column in self.columns),
        )

    def with_columns(self, places: Sequence[int]) -> "Table":
        """The table with some of its columns only."""
        return replace(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(
                replace(row, entries=tuple(row.entries[place] for place in places))
                for row in self.rows
            ),
            lower_is_better=tuple(self.lower_is_better[place] for place in places)
            if self.lower_is_better
            else (),
        )


def mark_best(rows: Sequence[Row], lower_is_better: Sequence[bool]) -> list[Row]:
    """Mark the best of each column at one decimal among the rows of a block, quoted ones too.

    A number that is alone in its column and block is not marked, and neither is any of a block that
    holds quoted rows alone. `lower_is_better` is by column; empty where the highest wins in all.
    """
    blocks: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        blocks.setdefault(row.block, []).append(place)
    marked = [[replace(entry, best=False) for entry in row.entries] for row in rows]
    for members in blocks.values():
        if all(rows[place].quoted for place in members):
            continue
        for column in range(len(rows[0].entries)):
            means = {place: rows[place].entries[column].mean for place in members}
            known = {place: round(mean, 1) for place, mean in means.items() if mean is not None}
            choose = min if lower_is_better and lower_is_better[column] else max
            best = choose(known.values(), default=None)
            for place, mean in known.items():
                if len(known) > 1 and mean == best:
                    marked[place][column] = replace(marked[place][column], best=True)
    return [replace(row, entries=tuple(entries)) for row, entries in zip(rows, marked, strict=True)]
