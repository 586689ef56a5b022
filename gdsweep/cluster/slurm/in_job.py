"""What each task of a SLURM job does: run the trainer, and hand the run over when it must stop.

SLURM's warning reaches every process of the job. The trainer saves and exits 3; the first task
then requeues the job, which keeps its id, so that what depends on it goes on waiting.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from gdsweep.cluster.local.environment import without_rendezvous
from gdsweep.cluster.slurm.causes import explain, fruitless, note, record_failure, timeouts
from gdsweep.cluster.slurm.ledger import Ledger, Submission, latest
from gdsweep.cluster.slurm.queue import expand_nodes, own_job
from gdsweep.cluster.slurm.requeue import Limit, is_preempted, requeue
from gdsweep.cluster.slurm.unbegun import begun_file
from gdsweep.cluster.trainer import threads
from gdsweep.errors import BUSY, DONE, FAILED, STOPPED, BadInput
from gdsweep.runs import (
    RunDir,
    Store,
    last_attempt,
    lock,
    missing,
    read_config,
    read_wanted,
    settled,
    sign_of,
)
from gdsweep.runs.attempts import readable_attempts
from gdsweep.runs.records import read_record

SIGNALS = (signal.SIGUSR2, signal.SIGTERM, signal.SIGINT)
VISIBLE_WITHIN = 10.0
"""Seconds a parent's checkpoint may take to be seen through a network file system."""
BUSY_PERIOD, BUSY_TRIES = 10.0, 30
"""How often, and how many times, to look whether another process has let go of the run."""

DELIVERIES = 5
"""Times in a row that a job goes on for launches that want more at its very end."""
LOOK = 1.0
"""Seconds between two looks at the clock while the trainer works."""
OVERDUE = 124
"""Stands for the exit code of a trainer that was given up."""

BOOT = (
    "import runpy, sys; sys.path[0] = sys.argv.pop(1); "
    "runpy.run_module('gdsweep.train', run_name='__main__', alter_sys=True)"
)
"""`python -m` would import from the current folder before the snapshot."""


def advance(record: str) -> None:
    """Advance the run of this task's job; ends the process with the trainer's exit code."""
    submission = read_record(Path(record), Submission)
    begun_file(Path(record).parent, own_job() or "0").touch()
    several = len(submission.runs) > 1
    index = int(os.environ["SLURM_ARRAY_TASK_ID"]) if several else 0
    task = Task(submission, submission.runs[index])
    try:
        code = task.main()
    except BadInput as error:  # a damaged record: the plan holds the run until somebody looks
        task.say(str(error))
        code = FAILED
    for number in SIGNALS:  # Python drops its handlers as it ends: a late notice must not kill us
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


class Task:
    """One task: one process of the run, on one GPU or on the CPU."""

    def __init__(self, submission: Submission, run: str) -> None:
        self.submission = submission
        self.store = Store(submission.store)
        self.run: RunDir = self.store.run(run)
        self.rank = int(os.environ.get("SLURM_PROCID", "0"))
        self.tasks = int(os.environ.get("SLURM_NTASKS", "1"))
        self.job = own_job() or "0"
        self.process: subprocess.Popen[bytes] | None = None
        self.received: list[int] = []
        self.starts = 0
        self.limit = Limit(submission.minutes, submission.signal_seconds)
        for number in SIGNALS:
            signal.signal(number, self._receive)

    def main(self) -> int:
        """Returns the exit code of the task; the job's is the worst of them."""
        if self.rank == 0:
            refused = self._refused()
            if refused is not None:
                self.say(refused)
                return FAILED
        for _ in range(DELIVERIES):
            before = read_wanted(self.run)
            code = self._train()
            if code == OVERDUE:
                return STOPPED
            if code < 0 and -code in self.received:  # struck before it listened, or when done
                code = STOPPED if missing(self.run, read_wanted(self.run)) else DONE
            if code == STOPPED:
                return self._stopped()
            if code != DONE:
                return code if code > 0 else FAILED
            lacking = missing(self.run, read_wanted(self.run)) if self.rank == 0 else None
            if not lacking:
                return DONE
            if read_wanted(self.run) == before:
                self.say(f"ended without delivering {lacking.model_dump(exclude_defaults=True)}")
                return FAILED
            self.say("another launch wants more of this run: going on")
            if self.tasks > 1:  # the other tasks have ended: all begin anew
                return self._hand_over("asked")
        return FAILED

    # ---- before --------------------------------------------------------------------------------

    def _refused(self) -> str | None:
        """Why this job is not to train, if so. A job id is never trusted: files decide."""
        current = latest(Ledger(self.store).read()).get(self.run.name)
        if current is not None and current.id != self.submission.id:
            return f"job {self.job} does nothing: submission {current.id} has taken its place"
        if current is None:
            return f"job {self.job} does nothing: its submission was withdrawn"
        if current.job not in (None, self.job.partition("_")[0]):
            return f"job {self.job} does nothing: job {current.job_of(self.run.name)} has its runs"
        absent = self._absent()
        if absent:
            return f"job {self.job} does nothing: {', '.join(absent)} not there; launch again"
        attempts = readable_attempts(self.run)
        idle = fruitless(attempts, self.job)
        if idle >= self.submission.restarts:
            message = f"stuck: {idle} starts of job {self.job} died before they saved anything"
            self._fail("stuck", message)
            return message
        limits = timeouts(attempts, self.job)
        if limits > self.submission.timeouts:
            message = f"job {self.job} has run into {limits} time limits; --retry continues it"
            self._fail("timeouts", message)
            return message
        return None

    def _absent(self) -> list[str]:
        """Checkpoints the run starts from that cannot be seen, even after a while."""
        config = read_config(self.run)
        wanted: dict[str, Path] = {}
        for ref in (config.parent, config.teacher, config.initial):
            if ref is None:
                continue
            other = self.run.sibling(ref.run)
            at = settled(ref.at, read_config(other).settings.schedule.iterations)
            wanted[f"{ref.run}@{ref.at}"] = sign_of(other, at)
        own = self.run.states()  # what has begun does not need its parent's state again
        if own and config.parent is not None:
            wanted.pop(f"{config.parent.run}@{config.parent.at}", None)
        end = time.monotonic() + VISIBLE_WITHIN
        while True:
            for path in wanted.values():
                with contextlib.suppress(OSError):
                    os.listdir(path.parent)  # makes NFS look again
            absent = [name for name, path in wanted.items() if not path.exists()]
            if not absent or time.monotonic() > end or self.received:
                return absent
            time.sleep(1)

    # ---- the trainer ---------------------------------------------------------------------------

    def _train(self) -> int:
        log = self.run.log_of(self.rank)
        begin = log.stat().st_size if log.exists() else 0
        for _ in range(BUSY_TRIES):
            code = self._run_trainer(log)
            if code != BUSY or self.received:
                break
            refused = self._refused() if self.rank == 0 else None
            if refused is not None:  # whoever holds the run may be the job that took its place
                self.say(refused)
                break
            self.say("another process holds the run; waiting for it to let go")
            time.sleep(BUSY_PERIOD)
        if code not in (DONE, STOPPED, BUSY) and not self.received:
            if self.rank:
                time.sleep(3)  # the first task's own words are better, if it has any
            cause, message, where = explain(code, log, begin)
            record_failure(self.run, cause, message, where, self._process())
        return code

    def _run_trainer(self, log: Path) -> int:
        with open(log, "ab") as output, _blocked():
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self.submission.folder,
            )
        self.starts += 1
        for number in self.received:  # what came before there was a trainer to hear it
            self.process.send_signal(number)
        return self._watch(self.process)

    def _watch(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait for the trainer; OVERDUE where the job was given back without its answer."""
        sign, since = lock.last_sign(self.run.lock), time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(LOOK)
            if self.rank:
                continue
            end, last_call = self.limit.end, self.limit.last_call
            if end is not None and last_call is not None:
                if time.time() >= last_call:
                    return self._abandon("timeout", "did not answer the notice of the time limit")
                if not self.received and time.time() >= end - self.limit.signal_seconds:
                    self._receive(signal.SIGUSR2, None)  # SLURM's own is late, or does not come
            newest = lock.last_sign(self.run.lock)
            if newest != sign:  # seen by our clock: a file server has its own
                sign, since = newest, time.monotonic()
            silent = time.monotonic() - since
            if silent > self.submission.silence_seconds:
                what = f"gave no sign of life for {silent / 60:.0f} minutes"
                return self._abandon("silent", what)

    def _abandon(self, cause: str, what: str) -> int:
        """Give the job back although its trainer does not answer: back to its last state."""
        if cause == "silent" and self.process is not None:
            self.process.kill()  # it would keep the job from ending
        states = self.run.states()
        self.say(f"the trainer {what}; it goes on from iteration {states[-1] if states else 0}")
        last = last_attempt(self.run)
        ours = last is not None and last.outcome is None and last.process.get("job") == self.job
        if last is not None and ours:
            note(self.run, last, ended=time.time(), outcome="stopped", cause=cause, message=what)
        self._hand_over(cause)
        return OVERDUE

    def _command(self) -> list[str]:
        code = self.submission.code
        trainer = self.submission.trainer or (sys.executable, "-c", BOOT, str(code))
        return [*trainer, str(self.run.path)]

    def _environment(self) -> dict[str, str]:
        nodes = expand_nodes(os.environ.get("SLURM_JOB_NODELIST", ""))
        path = [str(self.submission.code)] if self.submission.code else []
        path += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        several = {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.tasks),
            "LOCAL_RANK": os.environ.get("SLURM_LOCALID", "0"),
            "MASTER_ADDR": nodes[0] if nodes else "localhost",
            # the first process takes a port that is free, and tells the others in this file
            "GDSWEEP_RENDEZVOUS": str(self._rendezvous),
        }
        return {
            **without_rendezvous(),
            **threads(read_config(self.run).settings.resources),
            **(several if self.tasks > 1 else {}),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(path),
            "GDSWEEP_JOB": self.job,
            "GDSWEEP_SILENCE": str(self.submission.silence_seconds),
            "GDSWEEP_NODES": os.environ.get("SLURM_JOB_NODELIST", ""),
            "GDSWEEP_CODE": str(self.submission.code or ""),
        }

    @property
    def _rendezvous(self) -> Path:
        """A file that this start of this job alone has."""
        restart = os.environ.get("SLURM_RESTART_COUNT", "0")
        folder = Ledger(self.store).folder(self.submission.id)
        return folder / f"rendezvous-{self.job}-{restart}-{self.starts}"

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received.append(number)
        # SLURM signals every process of the step; where it does not, the trainer is told here
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    # ---- after a signal ------------------------------------------------------------------------

    def _stopped(self) -> int:
        """Hand the run over: on notice the job is requeued, on SIGTERM somebody wants it gone."""
        if signal.SIGUSR2 not in self.received:
            return STOPPED
        if self.rank:
            return DONE  # the first task requeues; nobody is to pull the others down before
        cause = self._why_stopped()
        attempt = last_attempt(self.run)
        if attempt is not None and attempt.outcome == "stopped":
            note(self.run, attempt, cause=cause)
        return self._hand_over(cause)

    def _hand_over(self, cause: str) -> int:
        """Requeue the job, and wait for SLURM to end this task."""
        self.say(f"{cause}: what is saved is kept, job {self.job} is requeued")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the requeue ends this task as well
        refused = requeue(self.job)
        if refused is not None:
            self.say(f"not requeued ({refused}); launch again to continue")
            return STOPPED
        time.sleep(120)
        return STOPPED

    def _why_stopped(self) -> str:
        """`preempted`, `timeout`, or `asked` for a signal by hand."""
        if is_preempted(self.job):
            return "preempted"
        limit = Limit(self.submission.minutes, self.submission.signal_seconds)
        return "timeout" if limit.is_near else "asked"

    def _fail(self, cause: str, message: str) -> None:
        last = last_attempt(self.run)
        if last is not None and last.outcome is None:
            note(self.run, last, ended=time.time(), outcome="failed", cause=cause, message=message)
        else:
            record_failure(self.run, cause, message, None, self._process())

    def _process(self) -> dict[str, str | int | None]:
        nodes = os.environ.get("SLURM_JOB_NODELIST", "")
        return {"job": self.job, "nodes": nodes, "processes": self.tasks}

    def say(self, line: str) -> None:
        """Add a line to the run's log and to the job's output."""
        stamp = time.strftime("%m/%d %H:%M:%S")
        with open(self.run.log, "a", encoding="utf-8") as log:
            log.write(f"[{stamp}] {line}\n")
        print(line, flush=True)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """Block signals while a process is started, which inherits that until it is ready for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
