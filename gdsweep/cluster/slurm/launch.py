"""One launch on a SLURM cluster: plan, ask, submit, and leave."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.arrays import Piece, fit
from gdsweep.cluster.slurm.commands import ask
from gdsweep.cluster.slurm.executor import Slurm, Submitted
from gdsweep.cluster.slurm.ledger import Ledger, Submission, latest, living, queued_job
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.slurm.snapshot import take_snapshot
from gdsweep.errors import BAD_INPUT, DONE, FAILED
from gdsweep.grid import Graph
from gdsweep.plan.job import Job
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.plan_text import print_plan, shape
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store

LISTED = 12
"""Jobs that are named one by one."""


class SlurmLaunch:
    """What one launch does with one cluster."""

    def __init__(
        self, slurm: Slurm, graph: Graph, store: Store, console: Console, *, retry: bool
    ) -> None:
        self.slurm, self.graph, self.store, self.console = slurm, graph, store, console
        self.retry = retry
        self._submissions, self._queued = read_jobs(store)
        self._living = living(self._submissions, self._queued)

    def plan(self) -> Plan:
        """The plan with what SLURM has in hand. Reads only."""
        return make_plan(self.graph, self.store, self._living)

    def show(self, plan: Plan) -> list[Piece]:
        """Print the plan and the arrays it would take; returns them."""
        print_plan(plan, self.console)
        pieces, left = self.slurm.pieces(plan, self.retry, self._submissions)
        known = (name for name, run in plan.runs.items() if run.job)
        fitted, no_room = fit(pieces, self.slurm.room(self._queued), known)
        if fitted:
            print_pieces(fitted, self.slurm.profile, self.console)
        self._tell_left(left | no_room)
        return pieces

    def submit(self, prepare: Callable[[Plan, list[PlannedRun]], None]) -> tuple[Plan, Submitted]:
        """Plan again with nobody else submitting, make the directories, submit."""
        with self.slurm.ledger.alone():
            submissions, queued = self.slurm.settle()
            plan = make_plan(self.graph, self.store, living(submissions, queued))
            pieces, left = self.slurm.pieces(plan, self.retry, submissions)
            runs = [run for piece in pieces for run in piece.runs]
            prepare(plan, runs)
            code = take_snapshot(self.store.root)
            done = self.slurm.submit(plan, pieces, code, queued, submissions)
        done.left |= left
        return plan, done

    def release(self, plan: Plan) -> None:
        """Let jobs go that wait for the end of a parent whose milestone is there already."""
        held = latest(self._submissions)
        for run in plan.runs.values():
            waits = run.job is not None and run.job.phase == "waiting" and not run.waits
            # under a throttle the dependency keeps a place free, too
            if waits and run.job and "afterany" not in (held[run.name].dependency or ""):
                ask(["scontrol", "update", f"JobId={run.job.id}", "Dependency="])
                self._print(f"released: {run.name}, job {run.job.id}: all it needs is there")

    def conclude(self, done: Submitted, status: str) -> int:
        """Say what was submitted and how to look after it; returns the exit code."""
        if done.jobs:
            calls = "1 sbatch call" if done.calls == 1 else f"{done.calls} sbatch calls"
            self._print(f"submitted {len(done.jobs):,} jobs in {calls}; you may log out")
            for run, job in list(done.jobs.items())[:LISTED]:
                self._print(f"  {run}  job {job}")
            if len(done.jobs) > LISTED:
                self._print(f"  ... and {len(done.jobs) - LISTED:,} more")
            self._print(f"see them with: {status}")
        else:
            self._print(f"nothing was submitted; see the runs with: {status}")
        self._tell_left(done.left)
        for reason, named in _by_reason(done.refused):
            self._print(f"not submitted: {named}: {reason}")
        if done.refused and not done.jobs:
            return BAD_INPUT
        return FAILED if done.left or done.refused else DONE

    def dropped(self) -> dict[str, str]:
        """Runs in SLURM's hands that earlier launches of these grids wanted, and they no longer."""
        ours = set(self.slurm.grid_paths)
        return {
            run: job.id
            for run, job in self._living.items()
            if run not in self.graph.runs
            and any(run in s.runs and s.grids and set(s.grids) <= ours for s in self._submissions)
        }

    def prune(self, dropped: dict[str, str], really: bool) -> None:
        """List what the grids no longer want; cancel it if so asked."""
        for run, job in dropped.items():
            self._print(f"dropped from the grid: {run}, job {job}")
        if dropped and really:
            slurm_queue.cancel(list(dropped.values()))
            self._print(f"cancelled {len(dropped)} dropped jobs")
        elif dropped:
            self._print("--prune cancels them")

    def _tell_left(self, left: dict[str, str]) -> None:
        for reason, named in _by_reason(left):
            self._print(f"not submitted: {named}: {reason}; launch again later")

    def _print(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def _by_reason(runs: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each reason, with the runs it is about in words."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for run, reason in runs.items():
        by_reason[reason].append(run)
    for reason, names in by_reason.items():
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        yield reason, f"{len(names)} {'run' if len(names) == 1 else 'runs'} ({shown})"


def read_jobs(store: Store) -> tuple[list[Submission], dict[str, QueuedJob]]:
    """The store's submissions, and SLURM's queue; one squeue, and none before the first launch."""
    ledger = Ledger(Store(store.root.resolve()))
    users = {submission.user for submission in ledger.read()}
    if not users:
        return [], {}
    queued = slurm_queue.queue(users)
    return ledger.read_adopting(queued), queued


def ended_jobs(
    submissions: Sequence[Submission], queued: Mapping[str, QueuedJob], runs: Collection[str]
) -> dict[str, Job]:
    """Run to its last job, and how queue or accounting say that it ended. One sacct at most."""
    newest = latest(submissions)
    ended: dict[str, Job] = {}
    unknown: dict[str, str] = {}
    for run in runs:
        job = newest[run].job_of(run) if run in newest else None
        if job is None:
            continue
        known = queued_job(newest[run], run, queued)
        ended[run] = known.job() if known else Job(job, "ended")
        if known is None:
            unknown[run] = job
    since = min((newest[run].created for run in unknown), default=0.0)
    told = slurm_queue.history({job: newest[run].id for run, job in unknown.items()}, since)
    return ended | {run: told[job].job() for run, job in unknown.items() if job in told}


def print_pieces(pieces: Sequence[Piece], profile: Profile, console: Console) -> None:
    """How the jobs would go up: per resource shape jobs, arrays and nodes."""
    shapes: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        shapes[shape(piece.runs[0])].append(piece)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("to submit", no_wrap=True)
    for name in ("jobs", "arrays", "sbatch calls", "nodes a job", "at once"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, group in shapes.items():
        nodes, _, _ = profile.shape(group[0].runs[0].config.settings.resources)
        throttled = group[0].at_once is not None
        by_wave: dict[int, int] = defaultdict(int)
        for piece in group:
            by_wave[piece.wave] += piece.at_once or 0
        table.add_row(
            name,
            f"{sum(len(piece.runs) for piece in group):,}",
            f"{sum(len(piece.runs) > 1 for piece in group):,}",
            f"{len(group):,}",
            f"{nodes:,}",
            f"{max(by_wave.values()):,}" if throttled else "any",
        )
    console.print(table)
