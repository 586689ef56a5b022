"""Forked trainers: exit codes, logs and signals as those of a trainer started cold."""

import os
import signal
import time
from pathlib import Path

import pytest
from tiny import TINY, merged

from gdsweep.cluster.local.warm import WarmTrainer
from gdsweep.config import RunConfig
from gdsweep.errors import BAD_INPUT, DONE, STOPPED
from gdsweep.runs import RunDir, Store, Wanted
from gdsweep.runs.attempts import last_attempt

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def make(folder: Path, name: str, iterations: int) -> RunDir:
    settings = merged(TINY, {"schedule": {"iterations": iterations}})
    config = RunConfig.model_validate(
        {"run": name, "objective": "supervised", "settings": settings}
    )
    store = Store(folder)
    store.check_writable()
    run = store.create(config, {})
    store.want(run, Wanted(stop=iterations))
    return run


def code_of(process: WarmTrainer, seconds: float = 120) -> int:
    end = time.monotonic() + seconds
    while (code := process.poll()) is None:
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.05)
    return code


def test_ends_logs_and_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the code is found from any folder
    short, long = make(tmp_path, "short", 2), make(tmp_path, "long", 100_000)
    process = WarmTrainer(short, {"GDSWEEP_JOB": "told", "PYTHONPATH": str(ROOT)})
    assert os.getpgid(process.pid) in (process.pid, os.getpgrp())  # it has, or will have, its own
    assert code_of(process) == DONE
    assert "iteration 2 of 2" in short.log.read_text()
    attempt = last_attempt(short)
    assert attempt is not None
    assert (attempt.process["job"], attempt.process["pid"]) == ("told", process.pid)
    assert "GDSWEEP_JOB" not in os.environ

    process = WarmTrainer(long, {})
    status = Path(f"/proc/{process.pid}/status").read_text()
    parent = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    assert "libtorch" in Path(f"/proc/{parent}/maps").read_text()  # it need not import
    end = time.monotonic() + 120
    while not long.log.exists() or "training from" not in long.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert os.getpgid(process.pid) == process.pid
    os.kill(process.pid, signal.SIGTERM)
    assert code_of(process) == STOPPED
    assert long.states()

    nothing = RunDir(tmp_path / "nothing")
    nothing.path.mkdir()
    assert code_of(WarmTrainer(nothing, {})) == BAD_INPUT
    assert "config.yaml is missing" in nothing.log.read_text()
    process = WarmTrainer(long, {})
    os.kill(process.pid, signal.SIGKILL)
    assert code_of(process) == -signal.SIGKILL
