"""Giving a job back to SLURM, from inside it: it keeps its id, and what depends on it waits on."""

import os
import re
import time
from dataclasses import dataclass

from gdsweep.cluster.slurm.commands import ask, query_environment, run
from gdsweep.errors import BadInput

STARTED = "GDSWEEP_STARTED"
"""Variable the job's script sets: Unix time of its start. SLURM's own times have many forms."""
PATIENCE = 60.0
"""Seconds in which SLURM must take a requeue; it ends a job some 30 seconds after its limit."""
EARLY = 65.0
"""Seconds by which SLURM may give notice before it is due."""

_ON_ITS_WAY = re.compile(r"pending|complet(ing|ed)|already", re.IGNORECASE)
_PLACES = ("/usr/bin", "/usr/local/bin", "/opt/slurm/bin", "/opt/slurm/current/bin")


@dataclass(frozen=True)
class Limit:
    """When a job of ours ends by its time limit."""

    minutes: int
    """Time limit of one start of the job, in minutes."""
    signal_seconds: int
    """Notice before it."""

    @property
    def end(self) -> float | None:
        """Unix time of the limit; None where the job's script did not note its start."""
        started = os.environ.get(STARTED, "")
        return int(started) + 60.0 * self.minutes if started.isdecimal() else None

    @property
    def last_call(self) -> float | None:
        """Unix time at which a job that does not answer the notice is requeued without it."""
        return None if self.end is None else self.end - min(30.0, self.signal_seconds / 2)

    @property
    def is_near(self) -> bool:
        """Whether a notice that comes now is about the limit."""
        return self.end is not None and self.end - time.time() <= self.signal_seconds + EARLY


def requeue(job: str) -> str | None:
    """Give a job back to the queue, asking again while SLURM is away; returns why it could not.

    SLURM may be requeueing it itself meanwhile, and end us.
    """
    try:
        ask(["scontrol", "requeue", job], patience=PATIENCE, environment=_environment(), alone=True)
    except BadInput as error:
        # of a first answer that was lost, the second says that it is done already
        return None if _ON_ITS_WAY.search(str(error)) else str(error)
    return None


def is_preempted(job: str) -> bool:
    """Whether SLURM says that a job has to make room for another."""
    try:
        _, shown, _ = run(["scontrol", "show", "job", "-o", job], 20.0, _environment())
    except BadInput:
        return False  # a node without SLURM's commands
    told = re.search(r"PreemptTime=(\S+)", shown)
    return told is not None and told[1] not in ("None", "Unknown")


def _environment() -> dict[str, str]:
    """A question's, from inside the job: its own cluster, and commands where nodes have them."""
    environment = query_environment()
    environment.pop("SLURM_CLUSTERS", None)
    path = environment.get("PATH", "")
    return {**environment, "PATH": os.pathsep.join([path, *_PLACES])}
