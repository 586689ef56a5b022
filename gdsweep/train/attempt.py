"""The record of one attempt: who advanced the run, from where to where, and how it ended."""

import contextlib
import json
import os
import platform
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from gdsweep import __version__
from gdsweep.checkout import ROOT, git, is_checkout
from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.runs import Attempt, RunDir, next_number, write_attempt
from gdsweep.runs.causes import cause_in
from gdsweep.train.distributed import Processes

_TELLING = ("CUDA_", "CUBLAS_", "GLOO_", "MKL_", "NCCL_", "OMP_", "PYTORCH_", "TORCH_", "XFORMERS_")
_SECRET = re.compile(r"secret|token|passw|credential|key|private|auth", re.IGNORECASE)


class Stopped(Exception):  # noqa: N818 - a state, not a fault
    """A signal asked the run to stop; its state is saved."""


class Log:
    """Record of the running attempt, kept in `attempts/NNN.json`."""

    def __init__(self, run: RunDir, processes: Processes) -> None:
        self._run = run
        self._record = Attempt(
            number=next_number(run), started=time.time(), process=_process(processes)
        )
        self._write()

    def reached(self, iteration: int, usage: Mapping[str, float | None]) -> None:
        """Note a saved state, and what it has taken (see `meter`)."""
        # a run that goes back for a state has still come as far as it had come
        furthest = max(iteration, self._record.last_iteration or 0)
        self._record = self._record.model_copy(update={"last_iteration": furthest})
        self.add_usage(usage)

    def add_usage(self, usage: Mapping[str, float | None]) -> None:
        """Note what the attempt has taken so far."""
        process = {**self._record.process, **usage}
        self._record = self._record.model_copy(update={"process": process})
        self._write()

    def begins(self, iteration: int) -> None:
        """Note where the attempt starts to train, the first time."""
        if self._record.last_iteration is None:
            self._record = self._record.model_copy(
                update={"first_iteration": iteration, "last_iteration": iteration}
            )
            self._write()

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """Record how the block ends; the exception goes on."""
        try:
            yield
        except Stopped:
            self._end(outcome="stopped")
            raise
        except BaseException as error:
            self._end("failed", cause_of(error), one_line(error))
            raise
        self._end(outcome="done")

    def _end(self, outcome: str, cause: str | None = None, message: str | None = None) -> None:
        where = _log_line(self._run) if outcome == "failed" else None
        self._record = self._record.model_copy(
            update={
                "ended": time.time(),
                "outcome": outcome,
                "cause": cause,
                "message": message,
                "log": where,
            }
        )
        # the disk may be what failed: the original error must not be replaced by a second one
        with contextlib.suppress(OSError):
            self._write()

    def _write(self) -> None:
        write_attempt(self._run, self._record)


def cause_of(error: BaseException) -> str:
    """The kind of a failure, as attempts record it."""
    if isinstance(error, TrainingFailed):
        return error.cause
    if isinstance(error, BadInput):
        return "input"
    if isinstance(error, OSError):
        return "disk"
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "memory"
    if isinstance(error, RuntimeError):
        # torch has one exception for all that NCCL, gloo and CUDA complain of
        return cause_in(f"{type(error).__name__} {error}") or "error"
    return "error"


def one_line(error: BaseException) -> str:
    """An exception as one line, with its type where the text alone would not tell."""
    text = " ".join(str(error).split())
    known = isinstance(error, (BadInput, TrainingFailed))
    return text if known and text else f"{type(error).__name__}: {text}"


def _log_line(run: RunDir) -> str | None:
    # only where our output really goes into the run's log
    try:
        if not os.path.samestat(os.fstat(sys.stdout.fileno()), os.stat(run.log)):
            return None
        sys.stdout.flush()
        with open(run.log, "rb") as file:
            return f"{run.log.name}:{sum(1 for _ in file) + 1}"
    except (OSError, ValueError):
        return None


def _process(processes: Processes) -> dict[str, str | int | float | None]:
    device = processes.device
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "processes": processes.world,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "nccl": ".".join(map(str, torch.cuda.nccl.version())) if device.type == "cuda" else None,
        "driver": _driver() if device.type == "cuda" else None,
        "job": os.environ.get("GDSWEEP_JOB"),
        "nodes": os.environ.get("GDSWEEP_NODES") or socket.gethostname(),
        "gdsweep": __version__,
        "commit": _commit(),
        "code": os.environ.get("GDSWEEP_CODE"),
        "environment": _environment(),
        "command": " ".join(sys.argv),
    }


def _driver() -> str | None:
    try:
        first = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except (OSError, IndexError):
        return None
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", first)
    return found[0] if found else None


def _environment() -> str:
    """The variables that can matter to the numbers or the speed; none that sounds like a secret."""
    kept = (
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith(_TELLING) and not _SECRET.search(name)
    )
    return " ".join(kept)


def _commit() -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError):  # a snapshot that a launch made
        taken = json.loads((ROOT / "snapshot.json").read_text())
        return f"{taken['commit']}-dirty" if taken["dirty"] else taken["commit"]
    if not is_checkout():
        return None
    return (git(ROOT, "describe", "--always", "--dirty", "--abbrev=40") or "").strip() or None
