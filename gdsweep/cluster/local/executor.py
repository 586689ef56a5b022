"""The executor of this machine: trainer processes, as many at once as fit, while one waits."""

import os
import signal
import socket
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from rich.console import Console

from gdsweep.cluster.executor import Executor, Outcome
from gdsweep.cluster.local.execution import Execution
from gdsweep.cluster.local.machine import Machine, this_machine
from gdsweep.cluster.local.progress import Progress
from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
from gdsweep.plan.job import Job
from gdsweep.plan.memory import Card
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.runs import RunDir, last_attempt, lock


class LocalExecutor(Executor):
    """Runs on this machine; the launch stays until they are over."""

    @classmethod
    def refusal(cls) -> str | None:
        """Nothing: every machine can execute runs."""
        return None

    @cached_property
    def machine(self) -> Machine:
        """Cores and GPUs, looked for once."""
        return this_machine()

    def jobs(self) -> Mapping[str, Job]:
        """The trainers that run on this machine, whoever started them; a job is a process."""
        jobs: dict[str, Job] = {}
        if not self.store.root.is_dir():
            return jobs
        for name in self.request.graph.runs:
            process = _trainer_of(self.store.run(name))
            if process is not None:
                jobs[name] = Job(str(process), "running", nodes=socket.gethostname())
        return jobs

    def todo(self, plan: Plan) -> list[PlannedRun]:
        """Runs to start, and runs of other launches to watch."""
        return plan.todo(self.options.retry)

    def place(self, runs: Sequence[PlannedRun]) -> str:
        """This machine, what it has, and why."""
        return describe(self.machine, runs, self.because, self.options.jobs)

    def at_once(self, runs: Sequence[PlannedRun]) -> int | None:
        """As many as the GPUs, or the cores where there are none, are enough for."""
        machine = self.machine
        if self.options.jobs:
            return self.options.jobs
        sizes = [
            machine.gpus_for(run.config.settings.resources) / max(len(machine.gpus), 1)
            or min(run.config.settings.resources.cpus / machine.cores, 1.0)
            for run in runs
        ]
        return max(1, int(1 / min(sizes))) if sizes else None

    def card(self, run: PlannedRun) -> Card | None:
        """This machine's GPUs, as many as the run gets."""
        machine = self.machine
        gpus = machine.gpus_for(run.config.settings.resources)
        return Card(machine.gib, gpus) if machine.gib is not None and gpus else None

    def submit(self, plan: Plan, runs: Sequence[PlannedRun], console: Console) -> Outcome:
        """Start what fits, and the rest as it does; returns when nothing can start any more."""
        forked = self.request.mode == "smoke" and self.trainer == TRAINER
        return Execution(
            plan,
            self.store,
            self.machine,
            Progress(plan, self.store, console),
            jobs=self.options.jobs,
            retry=self.options.retry,
            trainer=None if forked else self.trainer,
        ).execute()

    def cancel(self, runs: Collection[str]) -> Mapping[str, str]:
        """Ask trainers on this machine to save their state and end."""
        jobs = {run: job.id for run, job in self.jobs().items() if run in runs}
        for process in jobs.values():
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(int(process), signal.SIGTERM)
        return jobs


def describe(
    machine: Machine, runs: Sequence[PlannedRun], because: str, jobs: int | None = None
) -> str:
    """Where `runs` will be executed and why, in one line.

    Raises BadInput for a run that insists on a GPU where there is none.
    """
    for run in runs:
        if run.config.settings.resources.device == "cuda" and not machine.gpus:
            raise BadInput(
                f"{run.name}: resources.device is cuda, but nvidia-smi names no GPU here; "
                "set it to auto or cpu, or launch where there is one"
            )
    at_once = f"{jobs} at once" if jobs else "as many at once as fit"
    gpus = f", {len(machine.gpus)} GPUs" if machine.gpus else ""
    text = f"running on this machine ({because}): {machine.cores} cores{gpus}, {at_once}"
    if not machine.gpus and any(run.on_gpus for run in runs):
        text += "; runs that ask for GPUs compute on the CPU"
    return text


def _trainer_of(run: RunDir) -> int | None:
    """The process that trains a run on this machine; None where none does.

    A process's number is given out again: one that was not started for this run is not its
    trainer, whatever the record says.
    """
    if not lock.is_held(run.lock):
        return None
    try:
        attempt = last_attempt(run)
    except BadInput:
        return None  # the plan says what is damaged
    if attempt is None or attempt.ended or attempt.process.get("host") != socket.gethostname():
        return None
    process = attempt.process.get("pid")
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if isinstance(process, int) and str(run.path.resolve()).encode() in words:
            return process
    return None
