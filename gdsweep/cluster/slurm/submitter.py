"""What a plan lacks goes into SLURM as job arrays, written down before and after each sbatch."""

import dataclasses
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.arrays import Piece, fitting, make_pieces
from gdsweep.cluster.slurm.causes import MACHINE
from gdsweep.cluster.slurm.commands import tell
from gdsweep.cluster.slurm.ledger import (
    Ledger,
    Submission,
    latest,
    new_id,
    open_intents,
    queued_job,
    superfluous,
)
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.slurm.script import write_script
from gdsweep.cluster.slurm.submit import Full, Lost, submit
from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.planning import not_there
from gdsweep.runs import Store
from gdsweep.runs.attempts import last_attempt

SETTLE = 10.0
"""Seconds after which an intent SLURM does not know is taken for one it never got."""


@dataclass
class Submitted:
    """What a launch put into SLURM."""

    jobs: dict[str, str] = field(default_factory=dict)
    """Run to job id."""
    calls: int = 0
    """sbatch calls."""
    left: dict[str, str] = field(default_factory=dict)
    """Runs that were not submitted now, and why: a later launch will."""
    refused: dict[str, str] = field(default_factory=dict)
    """Runs that SLURM will not take as they are, and why."""


class Submitter:
    """Submits what a plan lacks, to one cluster."""

    def __init__(
        self,
        store: Store,
        profile: Profile,
        *,
        grids: Sequence[Path] = (),
        max_running: int | None = None,
        trainer: Sequence[str] = TRAINER,
    ) -> None:
        self.store = Store(store.root.resolve())
        self.profile = profile
        self.ledger = Ledger(self.store)
        self.grid_paths = tuple(str(path.resolve()) for path in grids)
        self._max_running = max_running
        self.exclude = list(profile.exclude)
        """Nodes that no job of this launch may use."""
        self._trainer = () if tuple(trainer) == TRAINER else tuple(trainer)
        self._launch = new_id()

    # ---- what would be done --------------------------------------------------------------------

    def pieces(
        self, plan: Plan, retry: bool, submissions: Sequence[Submission] = ()
    ) -> tuple[list[Piece], dict[str, str]]:
        """The arrays to submit, and runs that cannot be submitted now with the reason."""
        todo = self.todo(plan, retry)
        going = {run.name for run in todo}
        waits: dict[str, list[str]] = {}
        left: dict[str, str] = {} if retry else self._elsewhere(todo, submissions)
        for run in todo:
            waits[run.name] = []
            for source in not_there(run.sources, self.store):
                parent = plan.runs[source.run]
                if source.run in left or not (source.run in going or parent.job):
                    left.setdefault(
                        run.name, f"{source} is not there, and no job of SLURM's makes it"
                    )
                waits[run.name].append(source.run)
        pieces = make_pieces(
            [run for run in todo if run.name not in left],
            waits,
            self._shape,
            largest=self.facts.max_array_size,
            max_running=self._max_running,
        )
        return pieces, left

    @cached_property
    def facts(self) -> slurm_queue.ClusterFacts:
        """What cluster this is; asked once."""
        return slurm_queue.cluster_facts()

    def todo(self, plan: Plan, retry: bool) -> list[PlannedRun]:
        """Runs to submit: what nobody has in hand, and what waits for a job that is gone."""
        todo: dict[str, PlannedRun] = {}
        wanted = {run.name for run in plan.todo(retry)}
        for run in plan.runs.values():
            # its parent is submitted anew: a job that waits for the old one's id waits for nobody,
            # or for a stranger
            orphaned = run.status == "queued" and any(s.run in todo for s in run.waits)
            free = run.name in wanted and run.status not in ("running", "queued")
            if orphaned or free:
                todo[run.name] = run
        return list(todo.values())

    def _elsewhere(
        self, todo: Iterable[PlannedRun], submissions: Sequence[Submission]
    ) -> dict[str, str]:
        """Runs that another cluster may have in hand, whose queue cannot be asked here."""
        newest = latest(submissions)
        found = {}
        for run in todo:
            record = newest.get(run.name)
            foreign = record is not None and record.cluster not in (None, self.facts.name)
            if record is None or not foreign or self.facts.name is None:
                continue
            attempt = last_attempt(self.store.run(run.name))
            ended = attempt is not None and attempt.outcome in ("done", "failed")
            if not (ended and attempt and attempt.started >= record.created):
                found[run.name] = (
                    f"job {record.job_of(run.name)} of cluster {record.cluster} has it; "
                    "launch there, or --retry takes it over"
                )
        return found

    def _shape(self, run: PlannedRun) -> tuple[int, ...]:
        resources = run.config.settings.resources
        return (*self.profile.shape(resources), resources.cpus, self.profile.minutes(resources))

    # ---- doing it ------------------------------------------------------------------------------

    def settle(self) -> tuple[list[Submission], dict[str, QueuedJob]]:
        """Records and queue, with the loose ends of killed launches tied. Hold `ledger.alone()`."""
        before = {s.id: s for s in self.ledger.read()}
        queued = slurm_queue.queue(s.user for s in before.values())
        submissions = self.ledger.read_adopting(queued)
        loose = open_intents(submissions)
        if loose:
            # no longer than SETTLE: the clock of another login node may be an hour ahead
            age = time.time() - max(s.created for s in loose)
            pause = min(max(SETTLE - age, 0.0), SETTLE)
            tell(f"a launch was cut off: looking for its jobs for {pause:.0f} s")
            time.sleep(pause)
            queued = slurm_queue.queue(s.user for s in before.values())
            submissions = self.ledger.read_adopting(queued)
        for submission in submissions:
            if submission != before.get(submission.id):
                self.ledger.write(submission)
        self.ledger.withdraw(open_intents(submissions))
        submissions = self.ledger.read()
        extra = [job.id for job in superfluous(submissions, queued)]
        if extra:
            tell(f"cancelling jobs that would do nothing: {', '.join(extra)}")
            slurm_queue.cancel(extra)
        return submissions, queued

    def submit(
        self,
        plan: Plan,
        pieces: Sequence[Piece],
        code: Path,
        queued: Mapping[str, QueuedJob],
        submissions: Sequence[Submission] = (),
    ) -> Submitted:
        """Submit the pieces, parents first. Hold `ledger.alone()`."""
        self._cancel_superseded(pieces, queued, submissions)
        batch = _Batch(self, plan, code, self.room(queued), submissions)
        for piece in pieces:
            batch.add(piece)
        return batch.done

    def room(self, queued: Mapping[str, QueuedJob]) -> int | None:
        """Jobs that may be submitted yet under the profile's `max_submit`; None is any number."""
        if self.profile.max_submit is None:
            return None
        return max(0, self.profile.max_submit - sum(job.alive for job in queued.values()))

    def _cancel_superseded(
        self,
        pieces: Sequence[Piece],
        queued: Mapping[str, QueuedJob],
        submissions: Sequence[Submission],
    ) -> None:
        """Pending jobs of runs that are submitted anew go: what they wait for will not come."""
        newest = latest(submissions)
        found = []
        for run in (run for piece in pieces for run in piece.runs):
            job = queued_job(newest[run.name], run.name, queued) if run.name in newest else None
            if job is not None and job.state == "PENDING":
                found.append(job.id)
        slurm_queue.cancel(sorted(found))

    def submission(
        self, piece: Piece, code: Path, dependency: str | None, after: float
    ) -> Submission:
        """The record of a piece that is about to be submitted, later than `after` (Unix time)."""
        resources = piece.runs[0].config.settings.resources
        return Submission(
            id=new_id(),
            launch=self._launch,
            created=max(time.time(), after + 1e-3),
            user=slurm_queue.user_name(),
            grids=self.grid_paths,
            runs=tuple(run.name for run in piece.runs),
            store=str(self.store.root),
            code=str(code),
            trainer=self._trainer,
            folder=os.getcwd(),
            minutes=self.profile.minutes(resources),
            signal_seconds=self.profile.signal_seconds,
            timeouts=self.profile.timeouts,
            restarts=self.profile.restarts,
            silence_seconds=round(self.profile.silence_minutes * 60),
            dependency=dependency,
            cluster=self.facts.name,
        )


class _Batch:
    """What one launch submits, piece after piece."""

    def __init__(
        self,
        submitter: Submitter,
        plan: Plan,
        code: Path,
        room: int | None,
        submissions: Sequence[Submission],
    ) -> None:
        self.submitter, self.code, self.room = submitter, code, room
        self.done = Submitted()
        self._ids = {name: run.job.id for name, run in plan.runs.items() if run.job}
        self._arrays: dict[int, str] = {}
        self._sizes: dict[int, int] = {}
        self._newest = max((s.created for s in submissions), default=0.0)

    def add(self, piece: Piece) -> None:
        """Submit a piece, or as much of its head as there is room for."""
        size, reason = fitting(piece, self.room, self._sizes, self._ids.keys())
        refused = False
        while size:
            try:
                self._submit(piece, size)
                break
            except Full as error:
                # fewer may fit; whatever does not is for the next launch
                self.room, reason, size = 0, str(error), size // 2
            except Lost as error:
                reason, size = f"{error}; the next launch looks for it", 0
            except BadInput as error:
                reason, size, refused = str(error), 0, True
        for run in piece.runs[size:]:
            (self.done.refused if refused else self.done.left)[run.name] = reason

    def _submit(self, piece: Piece, size: int) -> None:
        """One sbatch, written down before and after."""
        head = dataclasses.replace(piece, runs=piece.runs[:size])
        dependency = _dependency(head, self._ids, self._arrays)
        submitter = self.submitter
        submission = submitter.submission(head, self.code, dependency, self._newest)
        self._newest = submission.created
        script = write_script(
            head, submission, submitter.ledger, submitter.profile, submitter.exclude
        )
        self.done.calls += 1
        try:
            job = submit(script, submission.id, submitter.profile.said())
        except (Full, BadInput):
            submitter.ledger.withdraw([submission])
            raise
        submitter.ledger.write(submission.model_copy(update={"job": job}))
        self._arrays[id(piece)], self._sizes[id(piece)] = job, size
        if self.room is not None:
            self.room = max(0, self.room - size)
        for index, run in enumerate(head.runs):
            self._ids[run.name] = job if size == 1 else f"{job}_{index}"
            self.done.jobs[run.name] = self._ids[run.name]


def bad_nodes(plan: Plan, store: Store) -> list[str]:
    """Nodes on which failed runs of the plan failed for what may be the machine's fault."""
    nodes: set[str] = set()
    for run in plan.runs.values():
        if run.status == "failed":
            attempt = last_attempt(store.run(run.name))
            if attempt is not None and attempt.cause in MACHINE:
                nodes |= set(slurm_queue.expand_nodes(str(attempt.process.get("nodes") or "")))
    return sorted(nodes)


def _dependency(piece: Piece, ids: Mapping[str, str], arrays: Mapping[int, str]) -> str | None:
    parts = []
    if piece.aligned and len(piece.runs) == 1:  # a job of its own: elements follow arrays only
        parts.append(f"afterok:{ids[piece.aligned.runs[0].name]}")
    elif piece.aligned:
        parts.append(f"aftercorr:{arrays[id(piece.aligned)]}")
    if piece.after:
        parts.append(":".join(["afterok", *(ids[name] for name in piece.after)]))
    over = list(dict.fromkeys(arrays[id(p)] for p in piece.barrier if id(p) in arrays))
    if over:
        parts.append(":".join(["afterany", *over]))
    return ",".join(parts) or None
