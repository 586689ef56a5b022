"""The state of a run, from its files alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gdsweep.runs import lock
from gdsweep.runs.layout import RunDir
from gdsweep.runs.records import Attempt, Best, Missing, Wanted, read_record

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
    gone = missing(run, wanted)
    status: Status
    if held:
        status = "running"
    elif not gone:
        status = "done"
    elif attempt is not None and attempt.outcome == "failed":
        status = "failed"
    elif attempt is not None:
        status = "interrupted"
    else:
        status = "new"
    return RunState(status, states[-1] if states else 0, gone, attempt)


def missing(run: RunDir, wanted: Wanted) -> Missing:
    """What is wanted and not on disk."""
    states = set(run.states())
    return Missing(
        stop=wanted.stop if max(states, default=0) < wanted.stop else None,
        milestones=tuple(m for m in wanted.milestones if m not in states),
        best=wanted.best and not run.best.exists(),
        scores=tuple(score for score in wanted.scores if not run.score(score).exists()),
    )


def attempts_of(run: RunDir) -> list[Attempt]:
    """All attempts at a run, the oldest first. Raises BadInput for a damaged record."""
    return [read_record(path, Attempt) for path in _attempt_records(run)]


def last_attempt(run: RunDir) -> Attempt | None:
    """The newest attempt record; None where there is none."""
    records = _attempt_records(run)
    return read_record(records[-1], Attempt) if records else None


def _attempt_records(run: RunDir) -> list[Path]:
    if not run.attempts.is_dir():
        return []
    return sorted(run.attempts.glob("[0-9]*.json"), key=lambda path: int(path.stem))


def read_best(run: RunDir) -> dict[str, Best]:
    """The best checkpoint per network of a run that has reached its horizon.

    Raises FileNotFoundError before it has.
    """
    content = json.loads(run.best.read_text())
    return {network: Best.model_validate(entry) for network, entry in content.items()}
