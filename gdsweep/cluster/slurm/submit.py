"""One sbatch: its answer is believed only when the queue shows the job with our comment."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from gdsweep.cluster.slurm.commands import (
    PATIENCE,
    is_transient,
    run,
    submission_environment,
    tell,
)
from gdsweep.cluster.slurm.queue import QueuedJob, queue
from gdsweep.errors import BadInput

TRIES = 7
"""Times sbatch is asked; it waits 1, 2, 4, ... seconds after an error that passes."""
VISIBLE_WITHIN = 15.0
"""Seconds after sbatch's answer, or its loss, in which the queue must show the job."""

_FULL = re.compile(r"(Max|Grp)Submit|MaxJobCount|MaxJobsPer|GrpJobs")


class Full(Exception):  # noqa: N818 - a state, not a fault
    """SLURM takes no more jobs of this user's now."""


class Lost(Exception):  # noqa: N818 - a state, not a fault
    """Nobody knows whether SLURM has the job: no word of it in the queue, nor a refusal."""


def submit(script: Path, comment: str, said: Sequence[str] = ()) -> str:
    """Submit a script whose comment is `comment` (and nobody else's); returns the job's id.

    `said` are the options the script gives itself, by long name. What sbatch prints is not asked
    for the id: sites print words of their own there, wrappers leave words out.

    Raises Full, Lost, and BadInput for what SLURM refuses.
    """
    for attempt in range(TRIES):
        code, _, words = run(["sbatch", str(script)], PATIENCE, submission_environment(said))
        if code and not is_transient(words):
            raise _refusal(words or f"exit code {code}")
        job = _find_or_lost(comment)
        if job is not None:
            return job.base
        if code == 0:
            break
        pause = min(2.0**attempt, 60.0)
        tell(f"sbatch: {words}; asking again in {pause:.0f} s")
        time.sleep(pause)
    else:
        raise BadInput(f"sbatch: {words}; SLURM does not answer, launch again later")
    raise Lost("sbatch took it, but the queue does not know the job")


def _find_or_lost(comment: str) -> QueuedJob | None:
    try:
        return find(comment)
    except BadInput as error:  # the job may be there: no refusal
        raise Lost(f"the queue cannot be asked for it ({error})") from None


def find(comment: str) -> QueuedJob | None:
    """The job with our comment, waiting for the queue to show it; None when it does not."""
    end, pause = time.monotonic() + VISIBLE_WITHIN, 0.2
    while True:
        found = [job for job in queue().values() if job.submission == comment]
        if found:
            return min(found, key=lambda job: (not job.alive, len(job.base), job.base))
        if time.monotonic() + pause > end:
            return None
        time.sleep(pause)
        pause = min(2 * pause, 4.0)


def is_full(said: str) -> bool:
    """Whether sbatch's words say that no more jobs are taken now; other limits never pass."""
    return _FULL.search(said) is not None


def _refusal(said: str) -> Exception:
    words = last_words(said)
    if is_full(said):
        return Full(f"the cluster takes no more jobs now ({words})")
    return BadInput(f"sbatch refused: {words}")


def last_words(said: str) -> str:
    """sbatch's reasons, without its own name before each."""
    reasons = [part.strip() for part in said.split("sbatch: error:")]
    told = [part.removeprefix("Batch job submission failed:").strip() for part in reasons if part]
    return "; ".join(dict.fromkeys(told)) or said
