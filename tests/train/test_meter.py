"""Memory and energy: what is read, and what is said where nothing can be."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gdsweep.train.distributed import Processes
from gdsweep.train.meter import Meter, energy_counter

CPU = Processes(0, 1, torch.device("cpu"))


class Fleet(Processes):
    """Four processes, of which this is one; the others tell `others`."""

    others: tuple[tuple[float, float | None], ...] = ()

    def gather(self, value: Any) -> list[Any]:
        return [value, *self.others]


def test_a_process_on_the_cpu_tells_its_resident_memory_and_no_energy() -> None:
    before = Meter(CPU).read()
    assert before["energy_kwh"] is None
    assert before["peak_memory"] is not None
    held = torch.ones(80 * 2**20)  # 320 MiB
    after = Meter(CPU).read()["peak_memory"]
    assert after is not None
    assert after >= min(before["peak_memory"], held.numel() * 4)
    assert 2**26 < after < 2**40


def test_the_most_memory_and_all_the_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter((1e6, 1e6 + 1.8e6))
    monkeypatch.setattr("gdsweep.train.meter.energy_counter", lambda device: lambda: next(counter))
    fleet = Fleet(0, 2, torch.device("cpu"))
    object.__setattr__(fleet, "others", ((2.0**50, 5.4e6),))
    assert Meter(fleet).read() == {"peak_memory": 2.0**50, "energy_kwh": 2.0}


def test_a_silent_gpu_makes_the_energy_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gdsweep.train.meter.energy_counter", lambda device: lambda: 0.0)
    fleet = Fleet(0, 2, torch.device("cpu"))
    object.__setattr__(fleet, "others", ((1.0, None),))
    assert Meter(fleet).read()["energy_kwh"] is None


def nvml(reading: Any) -> SimpleNamespace:
    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=reading,
    )


def test_the_drivers_counter_in_joules(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def millijoules(handle: str) -> int:
        asked.append(handle)
        return 12_500

    monkeypatch.setitem(sys.modules, "pynvml", nvml(millijoules))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1-2-3")
    )
    counter = energy_counter(torch.device("cuda", 0))
    assert counter is not None
    assert counter() == 12.5
    assert set(asked) == {"GPU-1-2-3"}


def test_no_counter_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(handle: str) -> int:
        raise RuntimeError("Not Supported")

    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1-2-3")
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml(unsupported))
    assert energy_counter(torch.device("cuda", 0)) is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy_counter(torch.device("cuda", 0)) is None
    assert energy_counter(torch.device("cpu")) is None
