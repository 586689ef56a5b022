"""One launch on a SLURM cluster: plan, ask, submit, and leave."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.arrays import Piece
from gdsweep.cluster.slurm.executor import Slurm, Submitted
from gdsweep.cluster.slurm.ledger import Ledger, Submission, latest, living
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.cluster.slurm.snapshot import take_snapshot
from gdsweep.errors import DONE, FAILED
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
        self._submissions, queued = read_jobs(store)
        self._living = living(self._submissions, queued)

    def plan(self) -> Plan:
        """The plan with what SLURM has in hand. Reads only."""
        return make_plan(self.graph, self.store, self._living)

    def show(self, plan: Plan) -> list[Piece]:
        """Print the plan and the arrays it would take; returns them."""
        print_plan(plan, self.console)
        pieces, left = self.slurm.pieces(plan, self.retry)
        if pieces:
            print_pieces(pieces, self.slurm.profile, self.console)
        self._tell_left(left)
        return pieces

    def submit(self, prepare: Callable[[Plan, list[PlannedRun]], None]) -> tuple[Plan, Submitted]:
        """Plan again with nobody else submitting, make the directories, submit."""
        with self.slurm.ledger.alone():
            submissions, queued = self.slurm.settle()
            plan = make_plan(self.graph, self.store, living(submissions, queued))
            pieces, left = self.slurm.pieces(plan, self.retry)
            runs = [run for piece in pieces for run in piece.runs]
            prepare(plan, runs)
            code = take_snapshot(self.store.root)
            done = self.slurm.submit(plan, pieces, code, queued)
        done.left |= left
        return plan, done

    def release(self, plan: Plan) -> None:
        """Let jobs go that wait for the end of a parent whose milestone is there already."""
        held = latest(self._submissions)
        for run in plan.runs.values():
            waits = run.job is not None and run.job.phase == "waiting" and not run.waits
            # under a throttle the dependency keeps a place free, too
            if waits and run.job and "afterany" not in (held[run.name].dependency or ""):
                slurm_queue.ask(["scontrol", "update", f"JobId={run.job.id}", "Dependency="])
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
        return FAILED if done.left else DONE

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
        by_reason: dict[str, list[str]] = defaultdict(list)
        for run, reason in left.items():
            by_reason[reason].append(run)
        for reason, runs in by_reason.items():
            named = ", ".join(runs[:3]) + (", ..." if len(runs) > 3 else "")
            self._print(f"not submitted: {len(runs)} runs ({named}): {reason}; launch again later")

    def _print(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def read_jobs(store: Store) -> tuple[list[Submission], dict[str, slurm_queue.QueuedJob]]:
    """The store's submissions, and SLURM's queue; one squeue, and none before the first launch."""
    ledger = Ledger(Store(store.root.resolve()))
    users = {submission.user for submission in ledger.read()}
    if not users:
        return [], {}
    queued = slurm_queue.queue(users)
    return ledger.read_adopting(queued), queued


def ended_jobs(submissions: Sequence[Submission], runs: Collection[str]) -> dict[str, Job]:
    """Run to its last job, and how accounting says that it ended. One sacct."""
    newest = latest(submissions)
    jobs = {run: job for run in runs if run in newest and (job := newest[run].job_of(run))}
    since = min((newest[run].created for run in jobs), default=0.0)
    known = slurm_queue.history(list(jobs.values()), since)
    return {
        run: known[job].job() if job in known else Job(job, "ended") for run, job in jobs.items()
    }


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
