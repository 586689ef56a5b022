"""What SLURM's executor tells of jobs that are over, and where logs lie; without a SLURM."""

from pathlib import Path

import pytest
from submissions import submission

from gdsweep.cluster.executor import Options, open_executor
from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.executor import SlurmExecutor, ended_jobs
from gdsweep.cluster.slurm.ledger import Ledger
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
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


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({}, "no SLURM: sbatch is not on the PATH"),
        (
            {"sbatch": "", "scontrol": "echo 'Could not establish a configuration source' >&2"},
            "sbatch is on the PATH, but no SLURM is configured here",
        ),
        ({"sbatch": "", "scontrol": "echo 'Slurmctld(primary) at ctl is DOWN' >&2"}, None),
    ],
    ids=["no SLURM", "not configured", "does not answer"],
)
def test_a_profile_by_name_is_never_this_machines(
    programs: dict[str, str], said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that does not answer is waited for, and its cluster alone submitted to."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GDSWEEP_CLUSTER", raising=False)
    for name, words in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{words}\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    profile = tmp_path / "mine.yaml"
    profile.write_text("partition: gpu\n")
    request, options = Request(folder=tmp_path / "runs"), Options(profile=str(profile))
    if said is None:
        assert isinstance(open_executor(request, options), SlurmExecutor)
        return
    with pytest.raises(BadInput) as raised:
        open_executor(request, options)
    assert str(raised.value) == (
        f"--profile {profile}: {said}; --cluster local trains on this machine"
    )


def test_logs_are_the_trainers_and_the_jobs(tmp_path: Path) -> None:
    executor = SlurmExecutor(Request(folder=tmp_path), Options(), TRAINER, "as asked")
    ledger = Ledger(Store(tmp_path))
    ledger.write(submission("s7", "a", "b", job="7"))
    log = executor.store.run("b").log
    assert executor.logs("b") == [log, ledger.folder("s7") / "7_1_0_log.out"]
    assert executor.logs("c") == [executor.store.run("c").log]
