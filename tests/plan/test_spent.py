"""Hours and energy of attempts, by hand."""

from typing import Any

import pytest

from gdsweep.plan.spent import Spent, clock, duration, spent
from gdsweep.runs import Attempt

GPUS = {"device": "NVIDIA H200", "processes": 8, "threads": 10}


def attempt(**values: Any) -> Attempt:
    return Attempt(number=1, started=1000.0, **values)


def test_hours_times_gpus() -> None:
    found = spent([attempt(ended=8200.0, process=GPUS), attempt(ended=1900.0, process=GPUS)], [])
    assert found == Spent(gpu_hours=(2 + 0.25) * 8)
    assert str(found) == "18.0 GPU-hours"


def test_hours_times_processes_times_threads_without_a_gpu() -> None:
    process = {"device": "cpu", "processes": 2, "threads": 4}
    assert spent([attempt(ended=4600.0, process=process)], []).cpu_hours == pytest.approx(8.0)
    assert spent([attempt(ended=4600.0)], []).cpu_hours == pytest.approx(1.0)


def test_a_killed_attempt_counts_with_its_saved_steps() -> None:
    killed = attempt(first_iteration=100, last_iteration=1000, process=GPUS)
    metrics = [{"iteration": i, "time": t} for i, t in ((100, 3.0), (200, 4.0), (300, 50.0))]
    assert duration(killed, metrics) == (1.0, True)  # 900 iterations of 4 seconds
    assert duration(killed, []) == (0.0, True)
    assert str(spent([killed], metrics)) == "about 8 GPU-hours"


def test_energy_only_where_it_is_recorded() -> None:
    told = attempt(ended=4600.0, process=GPUS | {"energy_kwh": 2.5})
    silent = attempt(ended=4600.0, process=GPUS)
    assert spent([silent], []).kwh is None
    assert spent([told, silent], []).kwh == 2.5
    assert str(spent([told, told], [])) == "16.0 GPU-hours, 5 kWh"


def test_clocks() -> None:
    assert [clock(h) for h in (12 / 3600, 0.057, 7.2)] == ["12 s", "3.4 min", "7.2 h"]
    assert str(Spent()) == "nothing"
