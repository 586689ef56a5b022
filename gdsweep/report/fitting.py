"""The shape in which a table fits the width it is printed to.

Nothing is ever cut. In order: labels in columns of their own or in one, the published value beside
ours or below it, and at last the columns in several panels below one another.
"""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gdsweep.report import wording
from gdsweep.report.display import spans
from gdsweep.report.tables import Row, Table

UNBROKEN = "\N{NO-BREAK SPACE}†"
"""The mark of a quoted row, which stays in the line of the last word."""


@dataclass(frozen=True)
class Form:
    """How one table is set."""

    beside: bool = True
    """The published value beside ours; below it otherwise."""
    plus_minus: str = " ± "
    """What stands between mean and spread."""
    stub: int | None = None
    """Characters of the one column that all labels share; None: a column for each, none wrapped."""


@dataclass(frozen=True)
class Line:
    """One line of a table's body: labels, and what stands in the columns."""

    labels: tuple[str, ...]
    row: Row | None = None
    """The row it is of; None: nothing but labels."""
    shows: Literal["value", "published", "interval"] = "value"
    """What it shows of the row's entries."""
    begins: bool = False
    """Whether an outer group of rows begins here, other than the first."""


def body(table: Table, form: Form) -> list[Line]:
    """The lines of a table: its rows, what stands below their numbers, and labels of groups."""
    lines: list[Line] = []
    for row, labels in zip(table.rows, wording.labels(table), strict=True):
        below: list[Line] = [Line((), row)]
        if not form.beside and any(wording.beside(entry) for entry in row.entries):
            below.append(Line((), row, "published"))
        if any(wording.interval(entry) for entry in row.entries):
            below.append(Line((), row, "interval"))
        begins = bool(lines) and len(labels) > 1 and labels[0] != ""
        if form.stub is None:
            stubs = [labels] + [_named(line, len(labels)) for line in below[1:]]
        else:
            groups, stubs = _merged(labels, row.labels, table.stub, form.stub)
            lines += [Line((head,), begins=begins and not at) for at, head in enumerate(groups)]
            begins = begins and not groups
            stubs += [("",)] * (len(below) - len(stubs))
            below += [Line(())] * (len(stubs) - len(below))
        for at, (stub, line) in enumerate(zip(stubs, below, strict=True)):
            lines.append(replace(line, labels=stub, begins=begins and not at))
    return lines


def heads(table: Table, form: Form) -> tuple[str, ...]:
    """Headings of the label columns."""
    if form.stub is None:
        return table.stub
    together = ", ".join(table.stub)
    return (together if len(together) <= form.stub else table.stub[0],)


Panel = tuple[Table, Form]
"""A table, or some of its columns, and how it is set."""


def fit(
    tables: Sequence[Table],
    forms: Sequence[Form],
    width: Callable[[Table, Form], float],
    available: float,
) -> list[list[Panel]]:
    """Each table in the first form in which all are no wider than what is available.

    Where there is none, those that are too wide in the last become several panels of some columns
    each, outer headings kept together where they can be. A single column may be wider than what is
    available: it has no smaller part.
    """
    chosen = next(
        (form for form in forms if all(width(table, form) <= available for table in tables)),
        forms[-1],
    )
    return [_panels(table, chosen, width, available) for table in tables]


def _panels(
    table: Table, form: Form, width: Callable[[Table, Form], float], available: float
) -> list[Panel]:
    if len(table.columns) == 1 or width(table, form) <= available:
        return [(table, form)]
    groups = _groups(table)

    def panel(first: int, last: int) -> Table:
        """Columns of some groups; a quoted row without a number there is left out."""
        part = table.with_columns([place for group in groups[first:last] for place in group])
        rows = [row for row in part.rows if not row.quoted or any(e.of for e in row.entries)]
        return replace(part, rows=tuple(rows))

    def fits(first: int, last: int) -> bool:
        return width(panel(first, last), form) <= available

    ends: list[int] = []
    while not ends or ends[-1] < len(groups):
        first = ends[-1] if ends else 0
        last = len(groups)
        while last > first + 1 and not fits(first, last):
            last -= 1
        ends.append(last)
    even = [round(len(groups) * (turn + 1) / len(ends)) for turn in range(len(ends))]
    if all(fits(*pair) for pair in zip([0, *even], even, strict=False)):
        ends = even
    parts = [panel(first, last) for first, last in zip([0, *ends], ends, strict=False)]
    return [one for part in parts for one in _panels(part, form, width, available)]


def _groups(table: Table) -> list[range]:
    """Columns under the outermost headings that differ: at least two groups."""
    levels = len(table.columns[0])
    by_level = (spans([column[:level] for column in table.columns]) for level in range(levels + 1))
    found = next(groups for groups in by_level if len(groups) > 1)
    return [range(first, last + 1) for _, first, last in found]


def _named(line: Line, levels: int) -> tuple[str, ...]:
    name = "  95 % interval" if line.shows == "interval" else ""
    return (*[""] * (levels - 1), name)[:levels]


def _merged(
    labels: tuple[str, ...], whole: tuple[str, ...], stub: tuple[str, ...], width: int
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Lines of an outer group's name, if it begins here, and the lines of the row's own labels."""
    inner = [
        # a bare number says nothing without its column's heading
        f"{heading.lower()} {label}" if re.fullmatch(r"[\d., ]+%?", label) else label
        for heading, label in zip(stub[1:], whole[1:], strict=True)
    ]
    own = ", ".join(filter(None, inner))
    if not own:
        return [], [(line,) for line in _wrapped("".join(whole[:1]), width, "") or [""]]
    begins = _wrapped(labels[0], width, "") if labels[0] else []
    return begins, [(line,) for line in _wrapped(own, width, "  ")]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    lines = textwrap.wrap(
        text.replace(" †", UNBROKEN),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(UNBROKEN, " †") for line in lines]
