"""A status as text: one row a cell, the progress of the whole table above."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table

from gdsweep.plan.cells import percent
from gdsweep.plan.hours import duration
from gdsweep.plan.plan import STATUSES
from gdsweep.plan.screen import Words
from gdsweep.plan.status import SILENT, Row, Status

COLOURS = {"failed": "red", "blocked": "yellow", "running": "green", "done": "dim"}


def status_text(status: Status, asked: bool) -> Group:
    """The header, the rows, and what went wrong. `asked`: whether the executor was asked."""
    lines: list[Words | _Rows] = [Words(header(status, asked), "bold"), _Rows(status.rows)]
    for run in status.plan.runs.values():
        if run.status == "failed":
            lines.append(Words(f"failed: {run.name}, see {run.why}", "red"))
    faults = {run.why or "": None for run in status.plan.unusable}
    cells = (row.standing for row in status.rows)
    faults |= {cell.why: None for cell in cells if cell.status in ("damaged", "outdated")}
    lines += [Words(why, "red") for why in faults]
    return Group(*lines)


LESS = (("node", ""), ("iteration", "share"), ("hours", ""), ("- paper", ""), ("left", ""))
"""Columns that give way on a narrow terminal, in this order, each with what takes its place."""


class _Rows:
    """The rows as a table that fits a narrow terminal: the least telling columns go first.

    The cell's name takes several lines only where nothing more can go; state, AP and job are always
    whole.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        sets = [[name for name in COLUMNS if name != "share"]]
        for column, instead in LESS:
            some = [instead if name == column else name for name in sets[-1]]
            sets.append([name for name in some if name])
        found = ((names, whole) for whole in (True, False) for names in sets)
        room = options.max_width + 2
        fitting = (
            names
            for names, whole in found
            if sum(self._width(name, whole) + 2 for name in names) <= room
        )
        yield self._table(next(fitting, sets[-1]))

    def _width(self, name: str, whole: bool) -> int:
        """Columns that an entry takes at least; a cell's name that is not kept whole is broken."""
        entries = [name, *(COLUMNS[name][1](row) for row in self.rows)]
        words = [word for entry in entries for word in entry.split()]
        return max(map(cell_len, words if name == "cell" and not whole else entries))

    def _table(self, names: Sequence[str]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in names:
            side = COLUMNS[name][0]
            table.add_column(name, justify=side, no_wrap=name != "cell", min_width=len(name))
        for row in self.rows:
            entries = (COLUMNS[name][1](row) for name in names)
            table.add_row(*entries, style=COLOURS.get(row.standing.status, ""))
        return table


def header(status: Status, asked: bool) -> str:
    """How much of the table is done, in one line."""
    plan = status.plan
    done, total = plan.cell_counts["done"], len(plan.cells)
    share = 1 - plan.iterations_left / max(plan.iterations_planned, 1)
    parts = [
        f"{done} of {total} cells done",
        f"{percent(share)} % of {plan.iterations_planned:,} iterations"
        if plan.trains
        else "given weights are scored, nothing is trained",
        f"{status.hours} spent",
    ]
    counts = [f"{plan.counts[s]} {s}" for s in STATUSES if s != "done" and plan.counts[s]]
    if counts:
        parts.append("runs: " + ", ".join(counts))
    parts.append(time.strftime("%a %H:%M:%S"))
    if not asked:
        parts.append("from files alone")
    return " · ".join(parts)


def _iteration(row: Row) -> str:
    standing = row.standing
    return f"{standing.done:,} of {standing.wanted:,}" if standing.wanted else "-"


def _left(row: Row) -> str:
    stuck = row.standing.status in ("failed", "blocked", "damaged", "outdated")
    # how long an evaluation takes is not measured
    stuck = stuck or (row.silent or 0.0) > SILENT or row.scoring is not None
    return "" if stuck or not row.standing.seconds else duration(row.standing.seconds)


def _ap(row: Row) -> str:
    if row.ap is None:
        return ""
    # in brackets: of the validation images, on the way
    return f"({row.ap:.1f})" if row.standing.score is None else f"{row.ap:.1f}"


COLUMNS: dict[str, tuple[Literal["left", "right"], Callable[[Row], str]]] = {
    "cell": ("left", lambda row: row.cell),
    "state": ("left", lambda row: row.state),
    "iteration": ("right", _iteration),
    "share": ("right", lambda row: f"{percent(row.standing.share)} %"),
    "left": ("right", _left),
    "AP": ("right", _ap),
    "- paper": ("right", lambda row: "" if row.delta is None else f"{row.delta:+.1f}"),
    "hours": ("right", lambda row: row.hours.brief),
    "node": ("left", lambda row: row.job.nodes if row.job else ""),
    "job": ("left", lambda row: row.job.id if row.job else ""),
}
"""Heading of every column, the side its entries stand on, and what stands there for a cell."""
