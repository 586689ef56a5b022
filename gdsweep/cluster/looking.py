"""Looking after what was launched: status, logs, cancelling."""

import sys
import time
from functools import partial
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.commands import available
from gdsweep.cluster.slurm.launch import ended_jobs
from gdsweep.cluster.slurm.ledger import Ledger, Submission, living
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.errors import DONE, BadInput
from gdsweep.plan.request import Request
from gdsweep.plan.status import Status, read_status
from gdsweep.plan.status_text import status_text
from gdsweep.runs import Store, lock

TAIL_LINES = 200
"""Lines of a log that are printed."""


class Look:
    """Some grids in a store, as they stand."""

    def __init__(self, request: Request) -> None:
        self.store, self.grids, self.graph = request.store, request.grids, request.graph

    def status(self) -> tuple[Status, bool]:
        """The status, and whether SLURM had a say in it."""
        submissions, queued, asked = self.jobs()
        jobs = living(submissions, queued)
        ended = partial(ended_jobs, submissions, queued)
        return read_status(self.grids, self.graph, self.store, jobs, ended), asked

    def jobs(self) -> tuple[list[Submission], dict[str, QueuedJob], bool]:
        """Submissions, the queue, and whether SLURM was asked; without it the files still tell."""
        ledger = Ledger(Store(self.store.root.resolve()))
        recorded = ledger.read()
        if not recorded or not available():
            return recorded, {}, False
        try:
            queued = slurm_queue.queue({submission.user for submission in recorded})
        except BadInput as error:
            print(f"{error}; this is from files alone", file=sys.stderr)
            return recorded, {}, False
        return ledger.read_adopting(queued), queued, True

    def find(self, query: str) -> dict[str, str]:
        """Runs that a query names, with the cell (or run) it was found by; all for no words."""
        cells = {name: cell.label for cell, name, _ in self.graph.results}
        if query in self.graph.runs:
            return {query: cells.get(query, query)}
        words = query.split()
        found: dict[str, str] = {}
        for cell, name, _ in self.graph.results:
            label = cell.label.split()
            if all(word in label or word in name for word in words):
                found[name] = cell.label
        if not found:
            found = {name: name for name in self.graph.runs if name.startswith(query)}
        if not found:
            some = ", ".join(sorted({cell.label for cell, _, _ in self.graph.results})[:4])
            raise BadInput(f"{query}: no cell has all these words; cells are: {some}, ...")
        return found


def watch(look: Look, console: Console, seconds: float | None) -> int:
    """Print the status; with `seconds`, again and again until all is done."""
    status, asked = look.status()
    if seconds is None:
        console.print(status_text(status, asked))
        return DONE
    if not console.is_terminal:
        while True:
            console.print(status_text(status, asked))
            if status.plan.done:
                return DONE
            time.sleep(seconds)
            status, asked = look.status()
    with Live(status_text(status, asked), console=console, auto_refresh=False) as live:
        while not status.plan.done:
            time.sleep(seconds)
            status, asked = look.status()
            live.update(status_text(status, asked), refresh=True)
    return DONE


def print_log(look: Look, query: str, follow: bool, out: TextIO) -> int:
    """Print the end of the log a query names, and what is added if asked."""
    found = look.find(query)
    if len(found) > 1:
        raise BadInput(f"{query}: names {len(found)} runs: {', '.join(sorted(found)[:6])}")
    (name,) = found
    run = look.store.run(name)
    if not run.log.exists():
        raise BadInput(f"{run.log}: not there; {name} has not begun")
    content = run.log.read_bytes()
    text = content.decode(errors="replace").splitlines(keepends=True)
    out.write(f"==> {run.log} <==\n" + "".join(text[-TAIL_LINES:]))
    out.flush()
    offset = len(content)
    while follow:
        time.sleep(1)
        ended = run.done.exists() and not lock.is_held(run.lock)
        with open(run.log, "rb") as file:
            file.seek(offset)
            new = file.read()
        offset += len(new)
        out.write(new.decode(errors="replace"))
        out.flush()
        if ended:
            break
    return DONE


def cancel(look: Look, query: str, console: Console) -> int:
    """Cancel the jobs of the cells a query names, and of runs that only they need."""
    asked = look.find(query)
    chosen, kept = set(asked), set()
    for _, name, _ in look.graph.results:
        needed = {name, *look.graph.ancestors(name)}
        if name in asked:
            chosen |= needed
        else:
            kept |= needed
    # what somebody else's cell needs goes on, unless it was named itself
    chosen = (chosen - kept) | (set(asked) if query else chosen)
    ledger = Ledger(Store(look.store.root.resolve()))
    if not ledger.root.is_dir():
        console.print("nothing to cancel: nothing was submitted")
        return DONE
    with ledger.alone():
        submissions, queued, _ = look.jobs()
        jobs = {run: job for run, job in living(submissions, queued).items() if run in chosen}
        slurm_queue.cancel([job.id for job in jobs.values()])
    for run, job in jobs.items():
        console.print(Text(f"cancelled: {run}, job {job.id}"), soft_wrap=True)
    behind = {
        name
        for name in look.graph.runs
        if name not in jobs and look.graph.ancestors(name) & jobs.keys()
    }
    waiting = [run for run in living(submissions, queued) if run in behind]
    if waiting:
        console.print(Text(f"they wait for these, and SLURM cancels them: {', '.join(waiting)}"))
    console.print(f"cancelled {len(jobs)} jobs; what they have saved is kept, launch to go on")
    return DONE
