"""A status as text: one row a cell, the progress of the whole table above."""

import time

from rich.console import Group
from rich.table import Table
from rich.text import Text

from gdsweep.plan.cells import percent
from gdsweep.plan.plan import STATUSES
from gdsweep.plan.status import Row, Status

COLOURS = {"failed": "red", "blocked": "yellow", "running": "green", "done": "dim"}


def status_text(status: Status, asked: bool) -> Group:
    """The header, the rows, and what went wrong. `asked`: whether SLURM was."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("cell", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("iteration", "left", "AP", "- paper", "hours"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("node", "job"):
        table.add_column(name, no_wrap=True)
    for row in status.rows:
        table.add_row(*_cells(row), style=COLOURS.get(row.state, ""))
    lines: list[Text | Table] = [Text(header(status, asked), style="bold"), table]
    for run in status.plan.runs.values():
        if run.status == "failed":
            lines.append(Text(f"failed: {run.name}, see {run.why}", style="red"))
    for row in status.rows:
        if row.standing.status in ("damaged", "outdated"):
            lines.append(Text(row.standing.why, style="red"))
    return Group(*lines)


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


def _cells(row: Row) -> list[str]:
    standing, job = row.standing, row.job
    ap = "" if row.ap is None else f"{row.ap:.1f}"
    if ap and standing.score is None:
        ap = f"({ap})"  # of the validation images, on the way
    stuck = standing.status in ("failed", "blocked", "damaged", "outdated")
    return [
        row.cell,
        row.state,
        f"{standing.done:,} of {standing.wanted:,}" if standing.wanted else "-",
        "" if stuck or not standing.seconds else duration(standing.seconds),
        ap,
        "" if row.delta is None else f"{row.delta:+.1f}",
        row.hours.brief,
        job.nodes if job else "",
        job.id if job else "",
    ]


def duration(seconds: float) -> str:
    """`2d 03h`, `3h 20m`, `4m 10s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02d}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"
