"""What a process that holds a run does while it does not train: which images it scores, how many.

The file is there while that goes on. A process that was killed leaves it: it means something only
while the run's lock is held.
"""

import contextlib

from pydantic import ValidationError

from gdsweep import atomic
from gdsweep.config.base import Settings
from gdsweep.config.format_base import Split
from gdsweep.runs.layout import RunDir


class Scoring(Settings):
    """An evaluation that goes on."""

    images: Split
    """Which images."""
    done: int
    """How many of them the network has seen."""
    of: int
    """How many there are for this process."""

    def __str__(self) -> str:
        """`scoring 120 of 500`."""
        return f"scoring {self.done:,} of {self.of:,}"


def tell_scoring(run: RunDir, scoring: Scoring) -> None:
    """Say how far the evaluation is."""
    atomic.write_text(run.activity, scoring.model_dump_json() + "\n")


def end_scoring(run: RunDir) -> None:
    """Say that no evaluation goes on."""
    run.activity.unlink(missing_ok=True)


def read_scoring(run: RunDir) -> Scoring | None:
    """The evaluation that a run's process is at; None where it trains, or says nothing readable."""
    with contextlib.suppress(FileNotFoundError, ValidationError):
        return Scoring.model_validate_json(run.activity.read_text(encoding="utf-8"))
    return None
