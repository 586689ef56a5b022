"""One process on this machine that advances one run."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gdsweep.cluster.local.environment import without_rendezvous
from gdsweep.cluster.local.warm import WarmTrainer
from gdsweep.cluster.trainer import threads
from gdsweep.errors import BAD_INPUT, BUSY, STOPPED
from gdsweep.plan.plan import PlannedRun
from gdsweep.plan.progress import failure_line
from gdsweep.runs import RunDir, lock
from gdsweep.runs.attempts import last_attempt
from gdsweep.runs.state import missing

_HERE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    how: Literal["done", "failed", "stopped", "busy"]
    """`stopped`: by a signal, its state saved. `busy`: another launch holds the run."""
    why: str | None = None
    """Log line that explains a failure."""
    bad_input: bool = False
    """Whether a person can put a failure right (settings, data)."""


class Job:
    """A trainer process, in a session of its own: the terminal's Ctrl-C is not for it.

    It outlives a launcher that is killed: its run's lock keeps another launch from doubling it,
    and that launch watches it.
    """

    def __init__(
        self, run: PlannedRun, directory: RunDir, gpus: Sequence[str], trainer: Sequence[str] | None
    ) -> None:
        """Start the process, its output appended to the run's log; without a `trainer`'s command
        it is a `WarmTrainer`. Raises OSError."""
        self.run = run
        self.directory = directory
        self.gpus = tuple(gpus)
        before = last_attempt(directory)
        self._attempts = before.number if before else 0
        self.process: subprocess.Popen[bytes] | WarmTrainer
        if trainer is None:
            self.process = WarmTrainer(directory, environment(run, self.gpus))
            return
        with open(directory.log, "ab") as log:
            self.process = subprocess.Popen(
                command(trainer, directory, len(self.gpus)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(run, self.gpus),
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask it to save its state and end; it tells its own loader workers."""
        # torchrun would give its workers 30 seconds to save: they are asked themselves
        workers = _children().get(self.process.pid, []) if len(self.gpus) > 1 else []
        for pid in workers or [self.process.pid]:
            _send(pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started, at once."""
        # torchrun puts its workers in sessions of their own: the group alone is not all
        children, front = _children(), [self.process.pid]
        while front:
            for pid in front:
                _send(pid, signal.SIGKILL)
            front = [child for parent in front for child in children.get(parent, ())]

    def ended(self) -> Ending | None:
        """How it ended; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        # loader workers of a killed trainer would go on holding memory
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if code == BUSY:
            return Ending("busy")
        if code < 0:
            return Ending("failed", f"{self.directory.log}: {_signal_words(-code)}")
        attempt = last_attempt(self.directory)
        if attempt is not None and attempt.number == self._attempts:
            attempt = None  # an older one: this process ended before it wrote its own
        if code == 0:
            lacking = missing(self.directory, self.run.wanted)
            if not lacking:
                return Ending("done")
            lacks = lacking.model_dump(mode="json", exclude_defaults=True)
            return Ending("failed", f"{self.directory.log}: ended without delivering {lacks}")
        if code == STOPPED or (attempt is not None and attempt.outcome == "stopped"):
            return Ending("stopped")
        if lock.is_held(self.directory.lock):
            return Ending("busy")  # torchrun hides its workers' exit code
        bad_input = code == BAD_INPUT or (
            attempt is not None and attempt.cause in ("input", "disk")
        )
        return Ending("failed", failure_line(self.directory, attempt), bad_input)


def command(trainer: Sequence[str], directory: RunDir, gpus: int) -> list[str]:
    """The trainer's command line: one process, or one per GPU under torchrun."""
    python, *rest = trainer
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(gpus)]
    return [python, *(several if gpus > 1 else []), *rest, str(directory.path.resolve())]


def environment(run: PlannedRun, gpus: Sequence[str]) -> dict[str, str]:
    """The trainer's environment: ours, with its threads and its GPUs."""
    path = os.environ.get("PYTHONPATH")
    return {
        **without_rendezvous(),
        **threads(run.config.settings.resources),
        "CUDA_VISIBLE_DEVICES": ",".join(gpus),
        "PYTHONUNBUFFERED": "1",
        # the trainer is this code's, from whatever folder it was launched
        "PYTHONPATH": f"{_HERE}{os.pathsep}{path}" if path else str(_HERE),
    }


def _signal_words(number: int) -> str:
    words = f"killed by signal {number}"
    return f"{words} (out of memory?)" if number == signal.SIGKILL else words


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _children() -> dict[int, list[int]]:
    """Process to its children, of all processes."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the name in brackets may hold anything, brackets included
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    return children
