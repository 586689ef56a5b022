"""A run whose records cannot be read: its job is still ours, and nothing is submitted over it."""

from pathlib import Path

import pytest
from odd_scheduler import Scheduler

DAMAGE = '{"number": 1, "star'


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return Scheduler(tmp_path)


def test_its_job_is_cancelled_and_nothing_is_submitted_in_its_place(scheduler: Scheduler) -> None:
    scheduler.grid(seeds="0 1")
    assert "submitted 2 jobs" in scheduler.launch("--yes")
    (run,) = (scheduler.folder / "runs").glob("*-s0-*")
    (run / "attempts" / "001.json").write_text(DAMAGE)
    for more in (["--dry-run"], ["--status"]):
        assert "001.json: damaged (" in scheduler.launch(*more)
    assert f"cancelled: {run.name}, job 1000_0" in scheduler.launch("--cancel", "seed 0")
    before = scheduler.jobs.read_text()
    said = scheduler.launch("--yes", "--retry", code=1)
    assert f"left alone: {run.name}: runs/{run.name}/attempts/001.json: damaged (" in said
    assert "1 runs are queued or running already" in said
    assert scheduler.jobs.read_text() == before
    assert (run / "attempts" / "001.json").read_text() == DAMAGE
