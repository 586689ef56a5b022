"""What was submitted: one record a job array, written before sbatch and completed after it."""

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from gdsweep import atomic
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.config.base import Settings
from gdsweep.plan.job import Job
from gdsweep.runs import Store, lock
from gdsweep.runs.records import read_record


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
    dependency: str | None = None
    """As sbatch was told."""
    job: str | None = None
    """SLURM's job id; of an array, the array's."""
    withdrawn: bool = False
    """Whether it never reached SLURM, or is to do nothing if it did."""

    def job_of(self, run: str) -> str | None:
        """The job of one run."""
        if self.job is None:
            return None
        return self.job if len(self.runs) == 1 else f"{self.job}_{self.runs.index(run)}"


class Ledger:
    """The submissions of a store, in `.slurm/`."""

    def __init__(self, store: Store) -> None:
        self.root = store.root / ".slurm"
        self._folder = self.root / "submissions"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One launch at a time submits to a store: what it decides is still so when it acts."""
        self.root.mkdir(parents=True, exist_ok=True)
        with lock.hold(self.root / "lock", wait=True):
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
        """All records, the oldest first. Raises BadInput for a damaged one."""
        if not self._folder.is_dir():
            return []
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # a folder whose record was never written
                found.append(read_record(path / "submission.json", Submission))
        return sorted(found, key=lambda submission: (submission.created, submission.id))

    def read_adopting(self, queued: dict[str, QueuedJob]) -> list[Submission]:
        """All records; intents that a killed launch did submit have their job. Writes nothing."""
        jobs = {job.comment: job.id.partition("_")[0] for job in queued.values() if job.comment}
        return [
            submission.model_copy(update={"job": jobs[submission.id]})
            if submission.job is None and not submission.withdrawn and submission.id in jobs
            else submission
            for submission in self.read()
        ]

    def withdraw(self, submissions: Iterable[Submission]) -> None:
        """Declare intents void: should their job turn up after all, it will do nothing."""
        for submission in submissions:
            self.write(submission.model_copy(update={"withdrawn": True}))


def open_intents(submissions: Iterable[Submission]) -> list[Submission]:
    """Intents of which nobody knows yet whether SLURM took them."""
    return [s for s in submissions if s.job is None and not s.withdrawn]


def latest(submissions: Iterable[Submission]) -> dict[str, Submission]:
    """Run to its newest submission that counts."""
    return {run: s for s in submissions if not s.withdrawn for run in s.runs}


def new_id() -> str:
    """A name no other submission has."""
    return uuid.uuid4().hex[:12]


def living(submissions: Iterable[Submission], queued: dict[str, QueuedJob]) -> dict[str, Job]:
    """Run to its job, of all that SLURM still has to do or is doing."""
    found: dict[str, Job] = {}
    for submission in submissions:
        if submission.withdrawn or submission.job is None:
            continue
        for run in submission.runs:
            job = queued.get(submission.job_of(run) or "")
            if job is not None and job.alive and not job.never:
                found[run] = job.job()
    return found
