"""What nvidia-smi, cgroups and the environment say of a machine."""

import stat
from pathlib import Path

import pytest

from gdsweep.cluster.local import machine as module
from gdsweep.cluster.local.machine import Machine, list_gpus, this_machine
from gdsweep.config import ResourceSettings

TWO = """GPU 0: NVIDIA H200 (UUID: GPU-aaaa)
GPU 1: NVIDIA H200 (UUID: GPU-bbbb)
"""
SLICED = """GPU 0: NVIDIA A100 (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-1111)
  MIG 3g.20gb     Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100 (UUID: GPU-bbbb)
"""


def fake_nvidia_smi(folder: Path, listing: str, busy: str = "") -> None:
    script = folder / "nvidia-smi"
    script.write_text(
        f'#!/bin/sh\ncase "$1" in -L) printf "%s" "{listing}";; '
        f'--query-gpu=memory.total) printf "81559\\n40960\\n";; *) echo "{busy}";; esac\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def test_a_gpu_in_slices_counts_as_its_slices() -> None:
    assert list_gpus(TWO) == ("GPU-aaaa", "GPU-bbbb")
    assert list_gpus(SLICED) == ("MIG-1111", "MIG-2222", "GPU-bbbb")
    assert list_gpus("No devices were found\n") == ()


def test_gpus_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvidia_smi(tmp_path, TWO, busy="GPU-bbbb")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found = this_machine()
    assert found.gpus == ("GPU-aaaa", "GPU-bbbb")
    assert found.busy_gpus() == {"GPU-bbbb"}
    assert found.gib == 40.0  # the smaller of two
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, 0")
    assert this_machine().gpus == ("1", "0")
    assert this_machine().busy_gpus() == set()  # the user chose them
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert this_machine().gpus == ()


def test_no_driver_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert this_machine().gpus == ()
    assert this_machine().gib is None


def test_a_run_gets_no_more_than_there_is() -> None:
    four = Machine(8, ("a", "b", "c", "d"))
    assert four.gpus_for(ResourceSettings(gpus=8)) == 4
    assert four.gpus_for(ResourceSettings(gpus=2)) == 2
    assert four.gpus_for(ResourceSettings(gpus=8, device="cpu")) == 0
    assert Machine(8).gpus_for(ResourceSettings(gpus=8)) == 0


def test_a_containers_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(64)))
    quota = tmp_path / "cpu.max"
    assert module._cores(quota) == 64
    quota.write_text("max 100000\n")
    assert module._cores(quota) == 64
    quota.write_text("250000 100000\n")
    assert module._cores(quota) == 2
    quota.write_text("50000 100000\n")
    assert module._cores(quota) == 1
