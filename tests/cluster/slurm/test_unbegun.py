"""Jobs that ended before Python: their output is shown, and they count as an attempt."""

import json
from pathlib import Path

import pytest
from odd_scheduler import Scheduler


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    scheduler = Scheduler(tmp_path)
    scheduler.grid()
    scheduler.launch("--yes")
    return scheduler


def output(scheduler: Scheduler, text: str) -> Path:
    (record,) = scheduler.submissions()
    path = record.with_name("1000_0_log.out")
    path.write_text(text)
    return path


def test_the_output_is_shown_and_the_run_waits_for_a_retry(scheduler: Scheduler) -> None:
    path = output(scheduler, "module: command not found\nsrun: error: n1: task 0: exit code 1\n")
    scheduler.all_are("FAILED", "NonZeroExitCode")
    told = f"{path}:1: the job ended before the trainer began: module: command not found"
    assert told in " ".join(scheduler.launch("--status").split())
    assert f"==> {path} <==\nmodule: command not found" in scheduler.launch("--logs", "supervised")
    for _ in range(2):
        assert told in scheduler.launch("--yes", code=1)
    assert len(scheduler.calls("sbatch")) == 1
    (attempt,) = (scheduler.folder / "runs").glob("*/attempts/*.json")
    record = json.loads(attempt.read_text())
    assert (record["outcome"], record["cause"], record["process"]["job"]) == (
        "failed", "setup", "1000",
    )  # fmt: skip
    assert "submitted 1 job" in scheduler.launch("--yes", "--retry")


def test_a_job_that_slurm_has_forgotten_is_told_by_its_output(scheduler: Scheduler) -> None:
    output(scheduler, "python: No such file or directory\n")
    scheduler.jobs.write_text("")
    assert "python: No such file or directory" in scheduler.launch("--status")


@pytest.mark.parametrize("state", ["CANCELLED", "PREEMPTED", "NODE_FAIL", "RUNNING", "PENDING"])
def test_what_was_taken_away_or_lives_has_not_failed(scheduler: Scheduler, state: str) -> None:
    output(scheduler, "loading modules\n")
    scheduler.all_are(state)
    assert "failed" not in scheduler.launch("--status")


def test_a_job_whose_python_ran_speaks_for_itself(scheduler: Scheduler) -> None:
    path = output(scheduler, "job 1000 does nothing: teacher@10 not there; launch again\n")
    path.with_name("1000_begun").touch()
    scheduler.all_are("FAILED", "NonZeroExitCode")
    assert "submitted 1 job" in scheduler.launch("--yes")
