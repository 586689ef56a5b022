"""A job as a plan knows it, whoever executes it."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["waiting", "queued", "running", "ended"]
"""`waiting` for runs before it; `queued` for a place on the machines."""


@dataclass(frozen=True)
class Job:
    """What an executor says of the job of one run."""

    id: str
    """As its executor numbers it."""
    phase: Phase
    """Where it is."""
    word: str = ""
    """Executor's own word where it says more: why a job is queued, or how one ended."""
    nodes: str = ""
    """Machines it runs on, or ran on."""

    @property
    def pending(self) -> bool:
        """Whether it has yet to start."""
        return self.phase in ("waiting", "queued")
