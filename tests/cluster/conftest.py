"""Launches of hand-made graphs with the fake trainer, as real processes."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]


class Bench:
    """A temporary store, a grid file, and a ledger of what the fake trainers did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "runs"
        self.grid = folder / "grid.json"
        self._ledger = folder / "ledger"
        self._processes: list[subprocess.Popen[str]] = []

    def write(self, runs: dict[str, dict[str, Any]]) -> None:
        """The graph that launches are about."""
        self.grid.write_text(json.dumps(runs))

    def environment(self, fake: dict[str, Any] | None = None) -> dict[str, str]:
        """What fake trainers are told."""
        return {"FAKE": json.dumps(fake or {}), "FAKE_LEDGER": str(self._ledger)}

    def start(
        self, *arguments: str, fake: dict[str, Any] | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """A launch in a session of its own, stderr joined to stdout."""
        clean = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
        clean.pop("SLURM_CONF", None)  # whatever cluster this is: these launches are local
        process = subprocess.Popen(
            [
                sys.executable,
                str(TESTS / "fake_launch.py"),
                str(self.grid),
                "--store",
                str(self.store),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**clean, **self.environment(fake), **environment},
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def launch(
        self, *arguments: str, fake: dict[str, Any] | None = None, **environment: str
    ) -> tuple[int, str]:
        """Exit code and output of one launch."""
        process = self.start(*arguments, fake=fake, **environment)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def ledger(self) -> list[tuple[str, str]]:
        """(run, what) in the order it happened: iterations, `start`, ..."""
        if not self._ledger.exists():
            return []
        lines = [line.split() for line in self._ledger.read_text().splitlines()]
        return [(line[0], line[1]) for line in lines]

    def pids(self) -> dict[str, int]:
        """Process of each run's last line in the ledger."""
        lines = [line.split() for line in self._ledger.read_text().splitlines()]
        return {line[0]: int(line[2]) for line in lines}

    def repeated(self) -> list[tuple[str, str]]:
        """Iterations that were trained more than once."""
        counts = Counter(entry for entry in self.ledger() if entry[1].isdigit())
        return [entry for entry, count in counts.items() if count > 1]

    def until(self, happened: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)

    def until_trained(self, run: str, iteration: int) -> None:
        """Wait until a run has come to an iteration."""
        self.until(lambda: (run, str(iteration)) in self.ledger())

    def close(self) -> None:
        """End launches that a failed test left behind."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    """A place to launch in."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()
