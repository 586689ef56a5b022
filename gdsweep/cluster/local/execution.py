"""The execution of a plan's runs on this machine, parents first, several at once."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from gdsweep.cluster.executor import Outcome
from gdsweep.cluster.local.job import Ending, Job
from gdsweep.cluster.local.machine import Machine
from gdsweep.cluster.local.progress import Progress
from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
from gdsweep.plan.outlook import longest_chains
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.planning import not_there
from gdsweep.plan.progress import failure_line
from gdsweep.runs import Store, lock, read_state

POLL = 0.3
"""Seconds between two looks at files and processes."""
GPU_POLL = 10.0
"""Seconds between two looks for a GPU that others have left."""
LEFT_ALONE = "stopped by a signal, its state saved; launch again to continue"


class Execution:
    """Executes what is left of a plan; the run directories exist and know what is wanted.

    A run starts as soon as the checkpoints it needs are on disk, while its parent may go on
    training; what another launch is training is watched, not started.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        machine: Machine,
        progress: Progress,
        *,
        jobs: int | None = None,
        retry: bool = False,
        trainer: Sequence[str] | None = TRAINER,
    ) -> None:
        self._plan, self._store, self._machine = plan, store, machine
        self._progress, self._limit, self._trainer = progress, jobs, trainer
        behind = longest_chains(plan, lambda run: 1)  # iterations: the longest chain goes first
        todo = sorted(plan.todo(retry), key=lambda run: -behind[run.name])
        self._watched = {run.name for run in todo if run.status == "running"}
        self._pending = {run.name: run for run in todo if run.status != "running"}
        self._jobs: dict[str, Job] = {}
        self._signals: list[int] = []
        self._stopping = False
        self._gpu_look = 0.0
        self._lost = {
            run.name: run.why or run.name
            for run in plan.runs.values()
            if run.status == "failed" and not retry
        }
        self.outcome = Outcome()

    def execute(self) -> Outcome:
        """Run until nothing is left that can start; SIGINT, SIGTERM and SIGHUP stop it orderly."""
        with self._listening(), self._progress:
            try:
                while self._step():
                    time.sleep(POLL)
            finally:
                for job in self._jobs.values():
                    job.stop()  # an error of the launcher's own: leave a resumable store
        self.outcome.signal = self._signals[0] if self._signals else None
        return self.outcome

    def _step(self) -> bool:
        self._reap()
        self._watch()
        if self._signals:
            self._stop()
            going_on = bool(self._jobs)
        else:
            self._block()
            waits_for_gpu = self._start()
            going_on = bool(self._jobs or self._watched or waits_for_gpu)
        active = [job.run for job in self._jobs.values()]
        active += [self._plan.runs[name] for name in sorted(self._watched)]
        self._progress.update(active, len(self._pending))
        return going_on

    def _reap(self) -> None:
        for name, job in list(self._jobs.items()):
            try:
                ending = job.ended()
            except BadInput as error:
                ending = Ending("failed", str(error), bad_input=True)
            if ending is None:
                continue
            del self._jobs[name]
            if ending.how == "done":
                self._finish(name)
            elif ending.how == "busy":
                self._watched.add(name)
                self._progress.say(f"{name}: another launch trains it; waiting")
            elif self._signals:
                self._progress.say(f"{name}: stopped")
            else:
                self._fail(name, ending.why or f"{job.directory.log}: {LEFT_ALONE}")
                if ending.bad_input:
                    self.outcome.bad_input.add(name)

    def _watch(self) -> None:
        for name in sorted(self._watched):
            run, directory = self._plan.runs[name], self._store.run(name)
            held = lock.is_held(directory.lock)
            try:
                state = read_state(directory, run.wanted)
            except BadInput as error:
                self._watched.remove(name)
                self._fail(name, str(error))
                continue
            if not state.missing:
                self._watched.remove(name)
                self._finish(name)
            elif not held and state.status != "running":
                self._watched.remove(name)
                if state.status == "failed":
                    self._fail(name, failure_line(directory, state.attempt))
                else:
                    self._pending = {name: run, **self._pending}

    def _finish(self, name: str) -> None:
        self.outcome.finished.append(name)
        self._progress.finished(self._plan.runs[name])

    def _fail(self, name: str, why: str) -> None:
        self._lost[name] = self.outcome.failed[name] = why
        self._progress.failed(self._plan.runs[name], why)

    def _block(self) -> None:
        """Set aside what needs a checkpoint that a lost run will not make."""
        for name in [name for name in self._plan.runs if name in self._pending]:
            lost = tuple(s for s in self._pending[name].sources if s.run in self._lost)
            waits = not_there(lost, self._store)
            if waits:
                root = self.outcome.blocked.get(waits[0].run, waits[0].run)
                self.outcome.blocked[name] = self._lost[name] = root
                del self._pending[name]
                self._progress.say(f"{name}: blocked, it needs {root}", bad=True)

    def _start(self) -> bool:
        """Start what is ready and fits, longest chain first; True while waiting for a GPU."""
        full: set[bool] = set()
        waits_for_gpu = False
        for name, run in list(self._pending.items()):
            wanted = self._machine.gpus_for(run.config.settings.resources)
            if len(full) == 2 or self._jobs_full():
                break
            if bool(wanted) in full:
                continue
            if not_there(run.sources, self._store):
                continue
            gpus = self._free_gpus(wanted) if wanted else ()
            if gpus is None or not (wanted or self._cores_free(run)):
                full.add(bool(wanted))  # it is next: nothing smaller overtakes it
                waits_for_gpu = waits_for_gpu or gpus is None
                continue
            del self._pending[name]
            self._launch(run, gpus)
        return waits_for_gpu

    def _launch(self, run: PlannedRun, gpus: Sequence[str]) -> None:
        directory = self._store.run(run.name)
        try:
            self._jobs[run.name] = Job(run, directory, gpus, self._trainer)
        except BadInput as error:
            self._fail(run.name, str(error))
        except OSError as error:
            self._fail(run.name, f"{directory.log}: {error.strerror}")
        else:
            self._progress.started(run)

    def _jobs_full(self) -> bool:
        return self._limit is not None and len(self._jobs) >= self._limit

    def _cores_free(self, run: PlannedRun) -> bool:
        on_cpu = [job.run for job in self._jobs.values() if not job.gpus]
        if self._limit is not None or not on_cpu:
            return True
        used = sum(other.config.settings.resources.cpus for other in on_cpu)
        return used + run.config.settings.resources.cpus <= self._machine.cores

    def _free_gpus(self, wanted: int) -> tuple[str, ...] | None:
        mine = {gpu for job in self._jobs.values() for gpu in job.gpus}
        free = [gpu for gpu in self._machine.gpus if gpu not in mine]
        if len(free) < wanted or time.monotonic() < self._gpu_look:
            return None
        busy = self._machine.busy_gpus()
        free = [gpu for gpu in free if gpu not in busy]
        if len(free) < wanted:
            self._gpu_look = time.monotonic() + GPU_POLL
            return None
        return tuple(free[:wanted])

    def _stop(self) -> None:
        """Forward the first signal once; a second one ends everything at once."""
        if not self._stopping:
            self._stopping = True
            for job in self._jobs.values():
                job.stop()
            if self._jobs:
                names = ", ".join(self._jobs)
                self._progress.say(f"stopping once the state is saved (again: at once): {names}")
        if len(self._signals) > 1:
            for job in self._jobs.values():
                job.kill()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # what the caller ignores (nohup, a background job) stays ignored
        before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
        for number in before:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
