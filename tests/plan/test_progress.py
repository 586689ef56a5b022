"""How far one run is, from what its directory and its job say."""

from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.plan.job import Job
from gdsweep.plan.progress import failure_line, iterations_left, run_status
from gdsweep.runs import Attempt, RunDir, Wanted, lock, read_state


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    for folder in ("attempts", "checkpoints"):
        (tmp_path / "run" / folder).mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").touch()
    return RunDir(tmp_path / "run")


def put_states(run: RunDir, *iterations: int) -> None:
    for iteration in iterations:
        run.state(iteration).touch()


def left(run: RunDir, wanted: Wanted, first: int = 0) -> int:
    return iterations_left(run, read_state(run, wanted), wanted, first, wanted.stop)


def test_failure_line_of_a_process_that_recorded_nothing(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert failure_line(run, None) == f"{run.log}:1: nothing was logged"
    run.log.write_text("Traceback\n  ImportError: no torch\n\n======\n")
    assert failure_line(run, None) == f"{run.log}:2: ImportError: no torch"


def test_iterations_left_from_the_state_that_training_would_load(run: RunDir) -> None:
    assert left(run, Wanted(stop=40), first=10) == 30
    put_states(run, 20)
    assert left(run, Wanted(stop=40), first=10) == 20
    assert left(run, Wanted(stop=15)) == 0  # what others went on to train is no loss
    assert left(run, Wanted(stop=40, milestones=(10,))) == 40  # 10 was passed and not kept
    put_states(run, 10)
    assert left(run, Wanted(stop=40, milestones=(10,))) == 20


def test_a_running_run_is_where_its_metrics_are(run: RunDir) -> None:
    put_states(run, 20)
    run.metrics.write_text('{"iteration": 30}\n')
    assert left(run, Wanted(stop=40)) == 20  # killed: the state counts
    with lock.hold(run.lock):
        assert left(run, Wanted(stop=40)) == 10


@pytest.mark.parametrize(
    ("phase", "job", "status"),
    [("queued", "8", "queued"), ("waiting", "7", "queued"), ("running", "8", "running"),
     ("running", "7", "failed")],
)  # fmt: skip
def test_a_job_says_more_than_a_failure_unless_it_is_the_one_that_failed(
    run: RunDir, phase: str, job: str, status: str
) -> None:
    record = Attempt(number=1, started=1.0, outcome="failed", process={"job": "7"})
    atomic.write_json(run.attempt(1), record.model_dump(mode="json"))
    state = read_state(run, Wanted(stop=40))
    assert run_status(state, None) == "failed"
    assert run_status(state, Job(job, phase)) == status  # type: ignore[arg-type]


def test_a_delivered_run_is_done_whatever_its_job_does(run: RunDir) -> None:
    put_states(run, 40)
    with lock.hold(run.lock):
        state = read_state(run, Wanted(stop=40))
        assert run_status(state, Job("7", "running")) == "done"
