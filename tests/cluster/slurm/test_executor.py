"""What SLURM's executor tells of jobs that are over, and where logs lie; without a SLURM."""

from pathlib import Path

import pytest
from submissions import submission

from gdsweep.cluster.executor import Options
from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.executor import SlurmExecutor, ended_jobs
from gdsweep.cluster.slurm.ledger import Ledger
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.trainer import TRAINER
from gdsweep.plan.job import Job
from gdsweep.plan.request import Request
from gdsweep.runs import Store


def test_accounting_is_asked_once_for_what_the_queue_has_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, str]] = []

    def history(jobs: dict[str, str], since: float) -> dict[str, QueuedJob]:
        asked.append(dict(jobs))
        return {"7": QueuedJob("7", "NODE_FAIL", nodes="n2")}

    monkeypatch.setattr(slurm_queue, "history", history)
    records = [submission(f"s{n}", run, job=n) for n, run in (("7", "a"), ("8", "b"), ("9", "c"))]
    queued = {"9": QueuedJob("9", "TIMEOUT", comment="s9", nodes="n1")}
    assert ended_jobs(records, queued, ["a", "b", "c", "never submitted"]) == {
        "a": Job("7", "ended", "NODE_FAIL", "n2"),
        "b": Job("8", "ended"),
        "c": Job("9", "ended", "TIMEOUT", "n1"),
    }
    assert asked == [{"7": "s7", "8": "s8"}]


def test_logs_are_the_trainers_and_the_jobs(tmp_path: Path) -> None:
    executor = SlurmExecutor(Request(folder=tmp_path), Options(), TRAINER, "as asked")
    ledger = Ledger(Store(tmp_path))
    ledger.write(submission("s7", "a", "b", job="7"))
    log = executor.store.run("b").log
    assert executor.logs("b") == [log, ledger.folder("s7") / "7_1_0_log.out"]
    assert executor.logs("c") == [executor.store.run("c").log]
