"""The executor of a SLURM cluster: a plan goes into the queue, and nothing stays running."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from gdsweep.cluster.executor import Executor, Options, Outcome, print_left
from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.arrays import Piece, fit
from gdsweep.cluster.slurm.commands import ask, available, configured
from gdsweep.cluster.slurm.ledger import Ledger, Submission, latest, living, queued_job
from gdsweep.cluster.slurm.profile import Profile, choose_profile, with_profile_store
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.slurm.snapshot import take_snapshot
from gdsweep.cluster.slurm.unbegun import output_file, record_unbegun
from gdsweep.plan.job import Job
from gdsweep.plan.memory import Card
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.plan_text import shape
from gdsweep.plan.request import Request
from gdsweep.plan.screen import say
from gdsweep.runs import Store

if TYPE_CHECKING:
    from gdsweep.cluster.slurm.submitter import Submitter


class SlurmExecutor(Executor):
    """Submits what a plan lacks to SLURM; the launch is over when all of it is in the queue."""

    def __init__(
        self, request: Request, options: Options, trainer: Sequence[str], because: str
    ) -> None:
        """Choose the cluster's profile, and its store unless another was asked for."""
        self.profile = choose_profile(options.profile)
        super().__init__(with_profile_store(request, self.profile), options, trainer, because)
        self._submissions: list[Submission] = []
        self._queued: dict[str, QueuedJob] = {}
        self._living: dict[str, Job] = {}
        self._avoided: list[str] = []

    @cached_property
    def submitter(self) -> "Submitter":
        """The cluster, to submit to."""
        from gdsweep.cluster.slurm.submitter import Submitter  # submitit takes its time

        return Submitter(
            self.store,
            self.profile,
            grids=self.request.paths,
            max_running=self.options.max_running,
            trainer=self.trainer,
        )

    @classmethod
    def refusal(cls) -> str | None:
        """Whether there is no SLURM on the PATH, or none behind it."""
        if not available():
            return "no SLURM: sbatch is not on the PATH"
        if not configured():
            return "sbatch is on the PATH, but no SLURM is configured here"
        return None

    @classmethod
    def demand(cls, options: Options) -> str | None:
        """The profile, where one is named or this is a login node of its own."""
        if options.profile:
            return f"--profile {options.profile}"
        # a home folder that clusters and workstations share may name one everywhere
        profile = choose_profile(None) if available() else Profile()
        return None if profile == Profile() else f"cluster profile {profile.name}"

    def jobs(self) -> dict[str, Job]:
        """What SLURM still has to do or is doing; one squeue, and none before the first launch.

        Jobs that ended before their trainer began are recorded as failed attempts.
        """
        self._submissions, self._queued = read_jobs(self.store)
        record_unbegun(self.store, self._submissions, self._queued)
        self._living = living(self._submissions, self._queued)
        return self._living

    @contextmanager
    def alone(self) -> Iterator[dict[str, Job]]:
        """Hold the store's ledger; jobs are those after what killed launches left was settled."""
        with self.submitter.ledger.alone():
            self._submissions, self._queued = self.submitter.settle()
            self._living = living(self._submissions, self._queued)
            yield self._living

    def has_submitted(self) -> bool:
        """Whether the store has records of submissions; SLURM is not asked."""
        return Ledger(self.store).root.is_dir()

    def last_jobs(self, runs: Collection[str]) -> dict[str, Job]:
        """The last job of each run, and how queue or accounting say that it ended."""
        return ended_jobs(self._submissions, self._queued, runs)

    def todo(self, plan: Plan) -> list[PlannedRun]:
        """Runs to submit, those included whose job waits for one that is gone."""
        return self.submitter.todo(plan, self.options.retry)

    def logs(self, run: str) -> list[Path]:
        """The trainer's log, then the output file of its last job."""
        ledger = Ledger(Store(self.store.root.resolve()))
        submission = latest(ledger.read()).get(run)
        job = submission.job_of(run) if submission else None
        folder = ledger.folder(submission.id) if submission else None
        output = [output_file(folder, job)] if folder and job else []
        return [self.store.run(run).log, *output]

    def place(self, runs: Sequence[PlannedRun]) -> str:
        """The profile, and the nodes that are avoided."""
        without = f", without {', '.join(self._avoided)}" if self._avoided else ""
        profile = self.profile.name
        return f"submitting to SLURM (profile {profile}){without}"

    def card(self, run: PlannedRun) -> Card | None:
        """The cluster's GPUs, where the profile tells their memory."""
        resources = run.config.settings.resources
        if self.profile.gpu_memory is None or not run.on_gpus:
            return None
        return Card(self.profile.gpu_memory, resources.nodes * resources.gpus)

    def preview(self, plan: Plan, console: Console) -> None:
        """Print the arrays that the plan would take, and what cannot be submitted now."""
        if self.options.retry and self.options.avoid_bad_nodes:
            from gdsweep.cluster.slurm.submitter import bad_nodes

            self._avoided = bad_nodes(plan, self.store)
            self.submitter.exclude += self._avoided
        pieces, left = self.submitter.pieces(plan, self.options.retry, self._submissions)
        known = (name for name, run in plan.runs.items() if run.job)
        fitted, no_room = fit(pieces, self.submitter.room(self._queued), known)
        if fitted:
            print_pieces(fitted, self.profile, console)
        print_left(left | no_room, console)

    def submit(self, plan: Plan, runs: Sequence[PlannedRun], console: Console) -> Outcome:
        """Submit arrays, parents first, from a snapshot of the code."""
        pieces, left = self.submitter.pieces(plan, self.options.retry, self._submissions)
        code = take_snapshot(self.store.root)
        done = self.submitter.submit(plan, pieces, code, self._queued, self._submissions)
        calls = "1 sbatch call" if done.calls == 1 else f"{done.calls} sbatch calls"
        left |= done.left
        return Outcome(submitted=done.jobs, calls=calls, left=left, refused=done.refused)

    def cancel(self, runs: Collection[str]) -> dict[str, str]:
        """Cancel the runs' jobs; SLURM cancels what depends on them."""
        jobs = {run: job.id for run, job in self._living.items() if run in runs}
        slurm_queue.cancel(list(jobs.values()))
        return jobs

    def tend(self, plan: Plan, console: Console) -> None:
        """Release jobs whose parents' milestones are there; list, or cancel, dropped ones."""
        if not self.options.dry_run:
            self._release(plan, console)
        self._prune(console)

    def examine(self, console: Console) -> int:
        """Try out what jobs need of the cluster."""
        from gdsweep.cluster.slurm.doctor import examine

        return examine(self.profile, self.store, console)

    def _release(self, plan: Plan, console: Console) -> None:
        """Let jobs go that wait for the end of a parent whose milestone is there already."""
        held = latest(self._submissions)
        for run in plan.runs.values():
            waits = run.job is not None and run.job.phase == "waiting" and not run.waits
            # under a throttle the dependency keeps a place free, too
            if waits and run.job and "afterany" not in (held[run.name].dependency or ""):
                ask(["scontrol", "update", f"JobId={run.job.id}", "Dependency="])
                line = f"released: {run.name}, job {run.job.id}: all it needs is there"
                say(console, line)

    def _prune(self, console: Console) -> None:
        """List jobs of runs that the grids no longer want; cancel them if so asked."""
        grids = {str(path.resolve()) for path in self.request.paths}
        dropped = {
            run: job.id
            for run, job in self._living.items()
            if run not in self.request.graph.runs
            and any(run in s.runs and s.grids and set(s.grids) <= grids for s in self._submissions)
        }
        for run, job in dropped.items():
            say(console, f"dropped from the grid: {run}, job {job}")
        if dropped and self.options.prune and not self.options.dry_run:
            slurm_queue.cancel(list(dropped.values()))
            console.print(f"cancelled {len(dropped)} dropped jobs")
        elif dropped:
            console.print("--prune cancels them")


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
