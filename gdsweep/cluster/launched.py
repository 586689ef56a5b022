"""What was launched: its status, its logs, and cancelling it."""

import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gdsweep.cluster.executor import Executor
from gdsweep.errors import DONE, BadInput
from gdsweep.grid import Cell
from gdsweep.plan.job import Job
from gdsweep.plan.screen import say
from gdsweep.plan.status import Status, read_status
from gdsweep.plan.status_text import status_text
from gdsweep.runs import lock

TAIL_LINES = 200
"""Lines of a log that are printed."""


class Launched:
    """Some grids in a store, and who executes their runs."""

    def __init__(self, executor: Executor) -> None:
        self.executor, self.store = executor, executor.store
        self.graph = executor.request.graph

    def status(self) -> tuple[Status, bool]:
        """The status, and whether the executor had a say in it; without, the files still tell."""
        last_jobs = self.executor.last_jobs
        try:
            jobs, asked = self.executor.jobs(), True
        except BadInput as error:
            print(f"{error}; this is from files alone", file=sys.stderr)
            jobs, asked = {}, False
        ended = last_jobs if asked else lambda runs: {}
        return read_status(self.executor.request.grids, self.graph, self.store, jobs, ended), asked

    def find(self, query: str) -> dict[str, str]:
        """Runs that a query names, with the cell (or run) each was named by; all for no words."""
        cells = {name: cell.label for cell, name, _ in self.graph.results}
        if query in self.graph.runs:
            return {query: cells.get(query, query)}
        words = query.split()
        runs: dict[str, str] = {}
        for cell, name, _ in self.graph.results:
            if _fits(words, cell, name):
                runs[name] = cell.label
        if not runs:
            runs = {name: name for name in self.graph.runs if name.startswith(query)}
        if not runs:
            some = ", ".join(sorted({cell.label for cell, _, _ in self.graph.results})[:4])
            raise BadInput(f"{query}: no cell has all these words; cells are: {some}, ...")
        return runs


def _fits(words: Sequence[str], cell: Cell, name: str) -> bool:
    """Whether all words are of the cell's label, or parts of its run's name between hyphens.

    A word behind an axis' name is that axis' value: `seed 1` is no 1 %.
    """
    label = cell.label.split()
    if not {*words} <= {*label, *name.split("-")}:
        return False
    valued = [pair for pair in pairwise(words) if pair[0] in cell.axes and pair[0] in label]
    return all((axis, value) in pairwise(label) for axis, value in valued)


def watch(launched: Launched, console: Console, seconds: float | None) -> int:
    """Print the status; with `seconds`, again and again until all is done."""
    status, asked = launched.status()
    if seconds is None:
        console.print(status_text(status, asked))
        return DONE
    if not console.is_terminal:
        while True:
            console.print(status_text(status, asked))
            if status.plan.done:
                return DONE
            time.sleep(seconds)
            status, asked = launched.status()
    with Live(status_text(status, asked), console=console, auto_refresh=False) as live:
        while not status.plan.done:
            time.sleep(seconds)
            status, asked = launched.status()
            live.update(status_text(status, asked), refresh=True)
    return DONE


def print_log(launched: Launched, query: str, follow: bool, out: TextIO) -> int:
    """Print the end of the log a query names, and what is added if asked."""
    runs = launched.find(query)
    if len(runs) > 1:
        raise BadInput(f"{query}: names {len(runs)} runs: {', '.join(sorted(runs)[:6])}")
    (name,) = runs
    run = launched.store.run(name)
    log = next((path for path in launched.executor.logs(name) if path.exists()), None)
    if log is None:
        raise BadInput(f"{run.log}: not there; {name} has not begun")
    content = log.read_bytes()
    text = content.decode(errors="replace").splitlines(keepends=True)
    out.write(f"==> {log} <==\n" + "".join(text[-TAIL_LINES:]))
    out.flush()
    offset = len(content)
    while follow:
        time.sleep(1)
        ended = run.done.exists() and not lock.is_held(run.lock)
        with open(log, "rb") as file:
            file.seek(offset)
            new = file.read()
        offset += len(new)
        out.write(new.decode(errors="replace"))
        out.flush()
        if ended:
            break
    return DONE


def cancel(launched: Launched, query: str, console: Console) -> int:
    """Cancel the jobs of the cells a query names, and of runs that only they need."""
    named = launched.find(query)
    chosen, kept = set(named), set()
    for _, name, _ in launched.graph.results:
        needed = {name, *launched.graph.ancestors(name)}
        if name in named:
            chosen |= needed
        else:
            kept |= needed
    # what somebody else's cell needs goes on, unless it was named itself
    chosen = (chosen - kept) | (set(named) if query else chosen)
    jobs: Mapping[str, Job] = {}
    if launched.executor.has_submitted():
        with launched.executor.alone() as jobs:
            cancelled = launched.executor.cancel([run for run in jobs if run in chosen])
    if not jobs:
        console.print("nothing to cancel: no job is pending or running")
        return DONE
    for run, job in cancelled.items():
        say(console, f"cancelled: {run}, job {job}")
    behind = [
        run
        for run in jobs
        if run in launched.graph.runs
        and run not in cancelled
        and launched.graph.ancestors(run) & cancelled.keys()
    ]
    if behind:
        console.print(Text(f"they wait for these, and are cancelled too: {', '.join(behind)}"))
    console.print(f"cancelled {len(cancelled)} jobs; what they have saved is kept, launch to go on")
    return DONE
