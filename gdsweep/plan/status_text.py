"""A status as text: one row a cell, the progress of the whole table above."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from gdsweep.plan.cells import percent
from gdsweep.plan.hours import duration
from gdsweep.plan.plan import STATUSES
from gdsweep.plan.screen import Words
from gdsweep.plan.status import SILENT, Row, Status

GAP = 2
"""Blanks between two columns."""
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
    whole. Lines are put together here: rich's own table takes longer to set thousands of rows than
    everything else together.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = {n: [entry(row) for row in self.rows] for n, (_, entry) in COLUMNS.items()}
        widths = {name: _width([name, *entries]) for name, entries in columns.items()}
        word = _width({word for entry in ["cell", *columns["cell"]] for word in entry.split()})
        names = _fitting(widths, word, options.max_width)
        others = sum(widths[name] + GAP for name in names[1:])
        widths["cell"] = min(widths["cell"], max(word, options.max_width - others))
        yield from _line([(name, name) for name in names], widths, Style(bold=True))
        styles = {status: Style.parse(colour) for status, colour in COLOURS.items()}
        for place, row in enumerate(self.rows):
            label, *more = _wrapped(columns["cell"][place], widths["cell"], console)
            entries = [(name, columns[name][place]) for name in names[1:]]
            style = styles.get(row.standing.status)
            yield from _line([("cell", label), *entries], widths, style)
            for rest in more:
                yield from _line([("cell", rest)], widths, style)


def _fitting(widths: Mapping[str, int], word: int, room: int) -> list[str]:
    """The columns that fit `room`: with cells' names whole, or broken between their words."""
    sets = [[name for name in COLUMNS if name != "share"]]
    for column, instead in LESS:
        some = [instead if name == column else name for name in sets[-1]]
        sets.append([name for name in some if name])
    for least in (widths["cell"], word):
        for names in sets:
            if least + sum(GAP + widths[name] for name in names[1:]) <= room:
                return names
    return sets[-1]


def _line(
    entries: Sequence[tuple[str, str]], widths: Mapping[str, int], style: Style | None
) -> Iterator[Segment]:
    """One line of the table, from the columns' names and what stands in them."""
    cells = []
    for name, entry in entries:
        blank = " " * (widths[name] - _length(entry))
        cells.append(blank + entry if COLUMNS[name][0] == "right" else entry + blank)
    yield Segment((" " * GAP).join(cells).rstrip(), style)
    yield Segment.line()


def _wrapped(label: str, width: int, console: Console) -> list[str]:
    if _length(label) <= width:
        return [label]
    return [line.plain.rstrip() for line in Text(label).wrap(console, width)]


def _width(entries: Iterable[str]) -> int:
    return max(map(_length, entries), default=0)


def _length(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


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
