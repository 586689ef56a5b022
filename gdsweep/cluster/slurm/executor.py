"""The SLURM executor: a plan goes into the scheduler as job arrays, and the launch is over."""

import contextlib
import getpass
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError

from gdsweep.cluster.local.job import TRAINER
from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.arrays import Piece, make_pieces
from gdsweep.cluster.slurm.causes import MACHINE
from gdsweep.cluster.slurm.in_job import advance
from gdsweep.cluster.slurm.ledger import Ledger, Submission, new_id, open_intents
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.errors import BadInput
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.planning import not_there
from gdsweep.runs import Store
from gdsweep.runs.attempts import last_attempt

SETTLE = 10.0
"""Seconds after which an intent SLURM does not know is taken for one it never got."""

# A launch that is killed between sbatch and its next step leaves the pickles unnamed: the job
# names its own. All elements of an array have the same one.
HEAL = """\
JOB=${{SLURM_ARRAY_JOB_ID:+${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID}}
JOB=${{JOB:-$SLURM_JOB_ID}}
for TRY in 1 2 3 4 5; do
  [ -e {folder}/${{JOB}}_submitted.pkl ] && break
  for PICKLE in {folder}/*.pkl; do
    cp "$PICKLE" {folder}/$JOB.tmp 2>/dev/null &&
      mv -n {folder}/$JOB.tmp {folder}/${{JOB}}_submitted.pkl && break
  done
  sleep 0.2
done"""


class Full(Exception):  # noqa: N818 - a state, not a fault
    """SLURM takes no more jobs of this user's."""


@dataclass
class Submitted:
    """What a launch put into SLURM."""

    jobs: dict[str, str] = field(default_factory=dict)
    """Run to job id."""
    calls: int = 0
    """sbatch calls."""
    left: dict[str, str] = field(default_factory=dict)
    """Runs that were not submitted, and why."""


class Slurm:
    """Submits what a plan lacks, to one cluster."""

    def __init__(
        self,
        store: Store,
        profile: Profile,
        *,
        grids: Sequence[Path] = (),
        max_running: int | None = None,
        exclude: Sequence[str] = (),
        trainer: Sequence[str] = TRAINER,
    ) -> None:
        self.store = Store(store.root.resolve())
        self.profile = profile
        self.ledger = Ledger(self.store)
        self.grid_paths = tuple(str(path.resolve()) for path in grids)
        self._max_running = max_running
        self._exclude = (*profile.exclude, *exclude)
        self._trainer = () if tuple(trainer) == TRAINER else tuple(trainer)
        self._launch = new_id()

    # ---- what would be done --------------------------------------------------------------------

    def pieces(self, plan: Plan, retry: bool) -> tuple[list[Piece], dict[str, str]]:
        """The arrays to submit, and runs that cannot be submitted now with the reason."""
        todo = [run for run in plan.todo(retry) if run.status not in ("running", "queued")]
        going = {run.name for run in todo}
        waits: dict[str, list[str]] = {}
        left: dict[str, str] = {}
        for run in todo:
            waits[run.name] = []
            for source in not_there(run.sources, self.store):
                parent = plan.runs[source.run]
                if source.run in left or not (source.run in going or parent.job):
                    left[run.name] = f"{source} is not there, and no job of SLURM's makes it"
                waits[run.name].append(source.run)
        pieces = make_pieces(
            [run for run in todo if run.name not in left],
            waits,
            self._shape,
            largest=slurm_queue.max_array_size(),
            max_running=self._max_running,
        )
        return pieces, left

    def _shape(self, run: PlannedRun) -> tuple[int, ...]:
        resources = run.config.settings.resources
        return (*self.profile.shape(resources), resources.cpus, self.profile.minutes(resources))

    # ---- doing it ------------------------------------------------------------------------------

    def settle(self) -> tuple[list[Submission], dict[str, slurm_queue.QueuedJob]]:
        """Records and queue, with the loose ends of killed launches tied. Hold `ledger.alone()`."""
        queued = slurm_queue.queue(s.user for s in self.ledger.read())
        before = {s.id: s for s in self.ledger.read()}
        loose = open_intents(self.ledger.read_adopting(queued))
        if loose:
            time.sleep(max(0.0, max(s.created for s in loose) + SETTLE - time.time()))
            queued = slurm_queue.queue(s.user for s in before.values())
        submissions = self.ledger.read_adopting(queued)
        for submission in submissions:
            if submission != before.get(submission.id):
                self.ledger.write(submission)
        self.ledger.withdraw(open_intents(submissions))
        return self.ledger.read(), queued

    def submit(
        self,
        plan: Plan,
        pieces: Sequence[Piece],
        code: Path,
        queued: Mapping[str, slurm_queue.QueuedJob],
    ) -> Submitted:
        """Submit the pieces, parents first. Hold `ledger.alone()`. Raises BadInput."""
        done = Submitted()
        ids = {name: run.job.id for name, run in plan.runs.items() if run.job}
        arrays: dict[int, str] = {}
        room = self._room(queued)
        self._cancel_superseded(pieces, queued)
        for piece in pieces:
            reason = self._impossible(piece, ids, arrays, room)
            if reason is None:
                try:
                    job = self._submit(piece, ids, arrays, code, done)
                except Full as error:
                    room, reason = 0, str(error)
            if reason is not None:
                done.left |= {run.name: reason for run in piece.runs}
                continue
            arrays[id(piece)] = job
            room = None if room is None else room - len(piece.runs)
            for index, run in enumerate(piece.runs):
                ids[run.name] = job if len(piece.runs) == 1 else f"{job}_{index}"
                done.jobs[run.name] = ids[run.name]
        return done

    def _room(self, queued: Mapping[str, slurm_queue.QueuedJob]) -> int | None:
        if self.profile.max_submit is None:
            return None
        return self.profile.max_submit - sum(job.alive for job in queued.values())

    def _impossible(
        self, piece: Piece, ids: Mapping[str, str], arrays: Mapping[int, str], room: int | None
    ) -> str | None:
        if room is not None and len(piece.runs) > room:
            return f"the cluster takes no more jobs now (max_submit of {self.profile.name})"
        orphaned = piece.aligned is not None and id(piece.aligned) not in arrays
        if orphaned or any(name not in ids for name in piece.after):
            return "what it waits for was not submitted"
        return None

    def _cancel_superseded(
        self, pieces: Sequence[Piece], queued: Mapping[str, slurm_queue.QueuedJob]
    ) -> None:
        """Jobs that wait for what will never happen make room for those that take their place."""
        never = {job.id for job in queued.values() if job.never}
        runs = {run.name for piece in pieces for run in piece.runs}
        ours = {s.job_of(run) for s in self.ledger.read() for run in s.runs if run in runs}
        slurm_queue.cancel(sorted(never & {job for job in ours if job}))

    def _submit(
        self,
        piece: Piece,
        ids: Mapping[str, str],
        arrays: Mapping[int, str],
        code: Path,
        done: Submitted,
    ) -> str:
        """One sbatch, written down before and after; returns the job id."""
        resources = piece.runs[0].config.settings.resources
        submission = Submission(
            id=new_id(),
            launch=self._launch,
            created=time.time(),
            user=getpass.getuser(),
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
            dependency=_dependency(piece, ids, arrays),
        )
        record = self.ledger.write(submission)
        executor = self._executor(piece, submission, code)
        try:
            for attempt in range(slurm_queue.TRIES):
                done.calls += 1
                try:
                    with _plain_environment():
                        jobs = executor.map_array(advance, [str(record)] * len(piece.runs))
                    job = str(jobs[0].job_id).partition("_")[0]
                    break
                except (FailedJobError, FailedSubmissionError, OSError) as error:
                    self._judge(error, attempt)
                    # the answer may have been lost, not the job
                    found = self._adopted(submission)
                    if found is not None:
                        job = found
                        break
        except (Full, BadInput):
            self.ledger.withdraw([submission])
            raise
        self.ledger.write(submission.model_copy(update={"job": job}))
        return job

    def _judge(self, error: Exception, attempt: int) -> None:
        """Wait if the error may pass. Raises Full or BadInput if not."""
        said = " ".join(str(error).split())
        if slurm_queue.is_full(said):
            raise Full(f"the cluster takes no more jobs now ({_last_words(said)})") from None
        if not slurm_queue.is_transient(said) or attempt + 1 == slurm_queue.TRIES:
            raise BadInput(f"sbatch refused: {_last_words(said)}") from None
        time.sleep(min(2**attempt, 60))

    def _adopted(self, submission: Submission) -> str | None:
        queued = slurm_queue.queue().values()
        return next(
            (job.id.partition("_")[0] for job in queued if job.comment == submission.id), None
        )

    def _executor(self, piece: Piece, submission: Submission, code: Path) -> submitit.SlurmExecutor:
        profile, resources = self.profile, piece.runs[0].config.settings.resources
        nodes, tasks, gpus = profile.shape(resources)
        folder = self.ledger.folder(submission.id)
        # until Python has its handlers, a notice must not kill it
        python = f'bash -c \'trap "" USR2; exec "$@"\' - {shlex.quote(sys.executable)}'
        executor = submitit.SlurmExecutor(folder=folder, python=python)
        name = piece.runs[0].name if len(piece.runs) == 1 else _grid_name(self.grid_paths)
        options: dict[str, object] = {"requeue": True}
        if submission.dependency:
            options["kill-on-invalid-dep"] = "yes"
        chosen = {
            "partition": profile.partition,
            "account": profile.account,
            "qos": profile.qos,
            "constraint": profile.constraint,
            "exclude": ",".join(self._exclude) or None,
            "mem": profile.memory,
            "gpus_per_node": gpus or None,
            "dependency": submission.dependency,
            "array_parallelism": piece.at_once or len(piece.runs),
        }
        quoted = shlex.quote(str(code))
        executor.update_parameters(
            job_name=f"{name}.{submission.id}",
            comment=submission.id,
            time=submission.minutes,
            nodes=nodes,
            ntasks_per_node=tasks,
            cpus_per_task=resources.cpus,
            signal_delay_s=submission.signal_seconds,
            stderr_to_stdout=True,
            setup=[
                *profile.setup,
                HEAL.format(folder=shlex.quote(str(folder))),
                f"export PYTHONPATH={quoted}${{PYTHONPATH:+:$PYTHONPATH}}",
                f"cd {quoted}",
            ],
            srun_args=["--kill-on-bad-exit=1", f"--cpus-per-task={resources.cpus}"],
            additional_parameters={**options, **profile.options},
            **{key: value for key, value in chosen.items() if value is not None},
        )
        return executor


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
    parts = [f"aftercorr:{arrays[id(piece.aligned)]}"] if piece.aligned else []
    if piece.after:
        parts.append(":".join(["afterok", *(ids[name] for name in piece.after)]))
    over = list(dict.fromkeys(arrays[id(p)] for p in piece.barrier if id(p) in arrays))
    if over:
        parts.append(":".join(["afterany", *over]))
    return ",".join(parts) or None


def _grid_name(grids: Sequence[str]) -> str:
    return Path(grids[0]).stem if grids else "gdsweep"


def _last_words(said: str) -> str:
    _, _, words = said.rpartition("error: ")
    return words.strip() or said


@contextlib.contextmanager
def _plain_environment() -> Iterator[None]:
    """What the launch's own allocation has set is not for the jobs; SLURM_CONF is."""
    inside = [
        name for name in os.environ
        if name.startswith(("SLURM_", "SLURMD_", "SRUN_", "SBATCH_")) and name != "SLURM_CONF"
    ]  # fmt: skip
    held = {name: os.environ.pop(name) for name in inside}
    try:
        yield
    finally:
        os.environ.update(held)
