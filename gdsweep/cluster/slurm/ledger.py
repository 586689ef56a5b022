"""What was submitted: one record a job array, written before sbatch and completed after it."""

import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from gdsweep import atomic
from gdsweep.cluster.slurm.commands import tell
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.config.base import Settings
from gdsweep.errors import BadInput
from gdsweep.plan.job import Job
from gdsweep.runs import Store, lock
from gdsweep.runs.records import read_record

LOCK_PATIENCE = 900.0
"""Seconds to wait for another launch that submits to the same store."""


class Submission(Settings):
    """`submission.json`: an intent until `job` is known, then what became of it."""

    id: str
    """Unique; the job's comment, and a part of its name."""
    launch: str
    """The launch that wrote it."""
    created: float
    """Unix time."""
    user: str
    """Who submitted."""
    grids: tuple[str, ...]
    """Grid files of the launch."""
    runs: tuple[str, ...]
    """Runs by array index; a single one is no array."""
    store: str
    """The store, absolute."""
    code: str
    """Snapshot of the code the job runs."""
    trainer: tuple[str, ...]
    """The trainer's command; the run directory is added. Empty: the snapshot's."""
    folder: str
    """Folder the launch was in: relative data paths start there."""
    minutes: int
    """Time limit."""
    signal_seconds: int
    """Notice before the limit."""
    timeouts: int
    """Budget of time limits."""
    restarts: int
    """Budget of restarts that saved nothing."""
    silence_seconds: int = 1800
    """Seconds without a sign of life after which an attempt is ended and the job requeued."""
    dependency: str | None = None
    """As sbatch was told."""
    cluster: str | None = None
    """Name of the cluster it was submitted to; None where SLURM did not tell, or before 0.2."""
    job: str | None = None
    """SLURM's job id; of an array, the array's. A hint: the comment is what tells a job is ours."""
    withdrawn: bool = False
    """Whether it never reached SLURM, or is to do nothing if it did."""

    def job_of(self, run: str) -> str | None:
        """The job of one run."""
        if self.job is None:
            return None
        return self.job if len(self.runs) == 1 else f"{self.job}_{self._index[run]}"

    @cached_property
    def _index(self) -> dict[str, int]:
        return {run: index for index, run in enumerate(self.runs)}


class Ledger:
    """The submissions of a store, in `.slurm/`."""

    def __init__(self, store: Store) -> None:
        self.root = store.root / ".slurm"
        self._folder = self.root / "submissions"
        self._announced: set[str] = set()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One launch at a time submits to a store: what it decides is still so when it acts.

        Raises BadInput where another holds it for longer than a submission can take.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path, begin, told = self.root / "lock", time.monotonic(), False
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(lock.hold(path))
                    break
                except lock.Held:
                    waited = time.monotonic() - begin
                if waited > LOCK_PATIENCE:
                    raise BadInput(
                        f"{path}: another launch has held the store for {waited / 60:.0f} minutes; "
                        "end it, or launch again later"
                    )
                if waited > 2 and not told:
                    tell(f"another launch submits to {self.root.parent}: waiting for it to end")
                    told = True
                time.sleep(0.2)
            yield

    def folder(self, submission: str) -> Path:
        """What belongs to one submission: its record, sbatch script and pickles."""
        return self._folder / submission

    def write(self, submission: Submission) -> Path:
        """Write a record, whole or not at all; returns its path."""
        folder = self.folder(submission.id)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "submission.json"
        atomic.write_json(path, submission.model_dump(mode="json"))
        return path

    def read(self) -> list[Submission]:
        """All records, the oldest first; one that cannot be read is told, and left out.

        It must not hold up everything else: its runs are locked while its job has them.
        """
        if not self._folder.is_dir():
            return []
        found = []
        for path in self._folder.iterdir():
            try:
                found.append(read_record(path / "submission.json", Submission))
            except (FileNotFoundError, NotADirectoryError):
                continue  # a record that was never written, or no submission at all
            except BadInput as error:
                if path.name not in self._announced:
                    tell(f"left out: {error}")
                    self._announced.add(path.name)
        return sorted(found, key=lambda submission: (submission.created, submission.id))

    def read_adopting(self, queued: Mapping[str, QueuedJob]) -> list[Submission]:
        """All records, with the job that SLURM's queue has for each. Writes nothing.

        An intent that a killed launch did submit has its job, and one whose recorded job is another
        by now has its own.
        """
        jobs = jobs_by_submission(queued)
        return [_adopting(submission, jobs.get(submission.id, [])) for submission in self.read()]

    def withdraw(self, submissions: Iterable[Submission]) -> None:
        """Declare intents void: should their job turn up after all, it will do nothing."""
        for submission in submissions:
            self.write(submission.model_copy(update={"withdrawn": True}))


def jobs_by_submission(queued: Mapping[str, QueuedJob]) -> dict[str, list[str]]:
    """Submission to the ids that sbatch gave its jobs, those that live and the lowest first.

    More than one: an answer of sbatch's was lost, and what was asked again was done twice.
    """
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for job in queued.values():
        if job.submission:
            known = found[job.submission]
            known[job.base] = known.get(job.base, False) or job.alive
    return {
        name: sorted(bases, key=lambda base: (not bases[base], len(base), base))
        for name, bases in found.items()
    }


def _adopting(submission: Submission, jobs: Sequence[str]) -> Submission:
    if submission.withdrawn or not jobs or submission.job in jobs:
        return submission
    return submission.model_copy(update={"job": jobs[0]})


def superfluous(
    submissions: Iterable[Submission], queued: Mapping[str, QueuedJob]
) -> list[QueuedJob]:
    """Living jobs of ours that would do nothing: second copies, and those of void submissions."""
    records = {submission.id: submission for submission in submissions}
    found = []
    for job in queued.values():
        record = records.get(job.submission)
        if record is not None and job.alive and (record.withdrawn or record.job != job.base):
            found.append(job)
    return found


def queued_job(
    submission: Submission, run: str, queued: Mapping[str, QueuedJob]
) -> QueuedJob | None:
    """The job that SLURM has for one run of a submission; of that id, and ours by its comment."""
    job = queued.get(submission.job_of(run) or "")
    return job if job is not None and job.submission == submission.id else None


def open_intents(submissions: Iterable[Submission]) -> list[Submission]:
    """Intents of which nobody knows yet whether SLURM took them."""
    return [s for s in submissions if s.job is None and not s.withdrawn]


def latest(submissions: Iterable[Submission]) -> dict[str, Submission]:
    """Run to its newest submission that counts."""
    return {run: s for s in submissions if not s.withdrawn for run in s.runs}


def new_id() -> str:
    """A name no other submission has."""
    return uuid.uuid4().hex[:12]


def living(submissions: Iterable[Submission], queued: Mapping[str, QueuedJob]) -> dict[str, Job]:
    """Run to its job, of all that SLURM still has to do or is doing."""
    found: dict[str, Job] = {}
    for submission in submissions:
        if submission.withdrawn:
            continue
        for run in submission.runs:
            job = queued_job(submission, run, queued)
            if job is not None and job.alive and not job.never:
                found[run] = job.job()
    return found
