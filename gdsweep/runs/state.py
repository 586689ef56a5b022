"""The state of a run, from its files alone."""

from dataclasses import dataclass
from typing import Literal

from gdsweep.runs import lock
from gdsweep.runs.attempts import last_attempt
from gdsweep.runs.layout import RunDir
from gdsweep.runs.records import Attempt, Missing, Score, ScoreRef, Wanted, read_record

Status = Literal["new", "running", "interrupted", "failed", "done"]
"""`interrupted`: begun, not running, not failed (killed, stopped, or more is wanted now)."""


@dataclass(frozen=True)
class RunState:
    """Where a run stands."""

    status: Status
    """What can be said of it now."""
    iteration: int
    """Newest complete state on disk."""
    missing: Missing
    """What is wanted and not there."""
    attempt: Attempt | None
    """The last attempt, if any."""


def read_state(run: RunDir, wanted: Wanted) -> RunState:
    """The state of `run` against what is `wanted` from it; a run that does not exist is new.

    Raises BadInput when a record is not readable.
    """
    # the lock first: what is read after it was seen free is how the run was left
    held = lock.is_held(run.lock)
    states = run.states()
    attempt = last_attempt(run)
    lacking = missing(run, wanted)
    status: Status
    if held:
        status = "running"
    elif not lacking:
        status = "done"
    elif attempt is not None and attempt.outcome == "failed":
        status = "failed"
    elif attempt is not None:
        status = "interrupted"
    else:
        status = "new"
    return RunState(status, states[-1] if states else 0, lacking, attempt)


def missing(run: RunDir, wanted: Wanted) -> Missing:
    """What is wanted and not on disk. Raises BadInput for a damaged score record."""
    states = set(run.states())
    return Missing(
        stop=wanted.stop if max(states, default=0) < wanted.stop else None,
        milestones=tuple(m for m in wanted.milestones if m not in states),
        best=wanted.best and not run.best.exists(),
        scores=tuple(score for score in wanted.scores if not _is_measured(run, score)),
    )


def _is_measured(run: RunDir, ref: ScoreRef) -> bool:
    if not ref.metrics:  # every record has the others: it need not be read
        return run.score(ref).exists()
    try:
        return not read_record(run.score(ref), Score).lacks(ref)
    except FileNotFoundError:
        return False
