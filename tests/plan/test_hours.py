"""Hours and energy of attempts, by hand."""

import time
from pathlib import Path
from typing import Any

import pytest

from gdsweep import atomic
from gdsweep.plan.hours import AttemptHours, ProcessorHours, clock, run_hours
from gdsweep.runs import Attempt, RunDir, lock

GPUS = {"device": "NVIDIA H200", "processes": 8, "threads": 10}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    (tmp_path / "attempts").mkdir()
    return RunDir(tmp_path)


def put(run: RunDir, **values: Any) -> None:
    number = 1 + len(list(run.attempts.iterdir()))
    record = Attempt(number=number, **{"started": 1000.0, **values})
    atomic.write_json(run.attempt(number), record.model_dump(mode="json"))


def test_hours_times_gpus(run: RunDir) -> None:
    put(run, ended=8200.0, process=GPUS)
    put(run, ended=1900.0, process=GPUS)
    assert run_hours(run) == ProcessorHours(gpu_hours=(2 + 0.25) * 8)
    assert str(run_hours(run)) == "18.0 GPU-hours"
    assert run_hours(run).brief == "18.0 GPU"


def test_hours_times_processes_times_threads_without_a_gpu(run: RunDir) -> None:
    put(run, ended=4600.0, process={"device": "cpu", "processes": 2, "threads": 4})
    assert run_hours(run).cpu_hours == pytest.approx(8.0)
    put(run, ended=4600.0)  # a record that names no processes has one
    assert run_hours(run).cpu_hours == pytest.approx(9.0)
    assert run_hours(run).gpu_hours == 0


def test_a_killed_attempt_counts_with_its_saved_steps(run: RunDir) -> None:
    put(run, first_iteration=100, last_iteration=1000, process=GPUS)
    killed = AttemptHours(run)
    assert killed.wall(killed.attempts[0]) == (0.0, True)
    times = ((100, 3.0), (200, 4.0), (300, 50.0))
    run.metrics.write_text("".join(f'{{"iteration": {i}, "time": {t}}}\n' for i, t in times))
    killed = AttemptHours(run)
    assert killed.wall(killed.attempts[0]) == (1.0, True)  # 900 iterations of 4 seconds
    assert str(run_hours(run)) == "about 8 GPU-hours"


def test_an_attempt_that_runs_counts_until_now(run: RunDir) -> None:
    put(run, process=GPUS)  # killed before it saved anything
    put(run, started=time.time() - 1800, process=GPUS)
    with lock.hold(run.lock):
        running = AttemptHours(run)
    assert [running.wall(attempt)[1] for attempt in running.attempts] == [True, False]
    assert running.total.gpu_hours == pytest.approx(4, rel=1e-2)


def test_energy_only_where_it_is_recorded(run: RunDir) -> None:
    put(run, ended=4600.0, process=GPUS)
    assert run_hours(run).kwh is None
    put(run, ended=4600.0, process=GPUS | {"energy_kwh": 2.5})
    assert run_hours(run).kwh == 2.5
    put(run, ended=4600.0, process=GPUS | {"energy_kwh": 2.5})
    assert str(run_hours(run)) == "24.0 GPU-hours, 5 kWh"


def test_words() -> None:
    assert [clock(h) for h in (12 / 3600, 0.057, 7.2)] == ["12 s", "3.4 min", "7.2 h"]
    assert (str(ProcessorHours()), ProcessorHours().brief) == ("nothing", "")
    both = ProcessorHours(12.5, 0.1, 0.8, estimated=True)
    assert str(both) == "about 12.5 GPU-hours and 0.1 CPU-hours, 0.8 kWh"
    assert both.brief == "12.5 GPU + 0.1 CPU"
