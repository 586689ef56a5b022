"""A third executor: a queue in memory, worked off one job at a time when a test says so."""

import subprocess
from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.console import Console

from gdsweep.cluster.executor import Executor, Outcome
from gdsweep.plan.job import Job
from gdsweep.plan.plan import Plan, PlannedRun


class FakeExecutor(Executor):
    """Outlives the launch, as a scheduler does: its queue belongs to the class."""

    queue: ClassVar[dict[str, Job]] = {}
    ended: ClassVar[dict[str, Job]] = {}

    @classmethod
    def refusal(cls) -> str | None:
        return None

    def jobs(self) -> dict[str, Job]:
        return dict(self.queue)

    def submit(self, plan: Plan, runs: Sequence[PlannedRun], console: Console) -> Outcome:
        for run in runs:
            number = str(len(self.queue) + len(self.ended))
            self.queue[run.name] = Job(number, "waiting" if run.waits else "queued", "Fair share")
        return Outcome(submitted={run.name: self.queue[run.name].id for run in runs})

    def cancel(self, runs: Collection[str]) -> dict[str, str]:
        return {run: self.queue.pop(run).id for run in runs}

    def last_jobs(self, runs: Collection[str]) -> dict[str, Job]:
        return {run: job for run, job in self.ended.items() if run in runs}

    def work(self) -> str:
        """Execute the first job of the queue; returns its run."""
        name = next(iter(self.queue))
        run = self.store.run(name)
        with open(run.log, "ab") as log:
            done = subprocess.run([*self.trainer, str(run.path)], stdout=log, stderr=log)
        word = "OK" if done.returncode == 0 else f"EXIT {done.returncode}"
        self.ended[name] = Job(self.queue.pop(name).id, "ended", word, nodes="m1")
        return name
