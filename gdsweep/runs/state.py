"""The state of a run, from its files alone."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gdsweep import atomic
from gdsweep.errors import BadInput
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
    earlier: Wanted
    """What earlier launches want of it."""


def read_state(run: RunDir, wanted: Wanted) -> RunState:
    """The state of `run` against what is `wanted` from it; a run that does not exist is new.

    Raises BadInput where a record cannot be read, or something else has the run's name.
    """
    if not run.exists():
        if os.path.lexists(run.path):
            raise BadInput(
                f"{run.path}: not a run directory (config.yaml is missing); move it away"
            )
        return unbegun(wanted)
    # the lock first: what is read after it was seen free is how the run was left
    held = lock.is_held(run.lock)
    states = run.states()
    attempt = last_attempt(run)
    lacking = _lacking(run, wanted, states, read_delivered(run))
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
    return RunState(status, states[-1] if states else 0, lacking, attempt, read_wanted(run))


def unbegun(wanted: Wanted) -> RunState:
    """The state of a run that does not exist: everything that is `wanted` is missing."""
    lacking = Missing(
        stop=wanted.stop or None,
        milestones=wanted.milestones,
        best=wanted.best,
        scores=wanted.scores,
    )
    return RunState("new", 0, lacking, None, Wanted())


def missing(run: RunDir, wanted: Wanted) -> Missing:
    """What is wanted and was not delivered. Raises BadInput for a damaged record.

    What was delivered stays delivered, though its states may have been removed to free the disk;
    whoever needs one again calls `reopen`.
    """
    return _lacking(run, wanted, run.states(), read_delivered(run))


def _lacking(run: RunDir, wanted: Wanted, on_disk: Iterable[int], delivered: Wanted) -> Missing:
    states = {*on_disk, *delivered.milestones}
    return Missing(
        stop=wanted.stop if max([*states, delivered.stop]) < wanted.stop else None,
        milestones=tuple(m for m in wanted.milestones if m not in states),
        best=wanted.best and not run.best.exists(),
        scores=tuple(score for score in wanted.scores if not _is_measured(run, score)),
    )


def read_delivered(run: RunDir) -> Wanted:
    """What the run had delivered when an attempt last ended well; nothing where none has.

    Raises BadInput for a damaged record: states may have been freed that nobody is to train again.
    """
    try:
        return read_record(run.done, Wanted)
    except FileNotFoundError:
        return Wanted()


def read_wanted(run: RunDir) -> Wanted:
    """What is wanted from a run so far; nothing where no record is."""
    try:
        return read_record(run.wanted, Wanted)
    except FileNotFoundError:
        return Wanted()


def reopen(run: RunDir, milestones: Iterable[int]) -> None:
    """Take back that the states of these iterations were delivered: somebody needs them again."""
    delivered = read_delivered(run)
    left = tuple(m for m in delivered.milestones if m not in set(milestones))
    if left != delivered.milestones:
        kept = delivered.model_copy(update={"milestones": left})
        atomic.write_json(run.done, kept.model_dump(mode="json"))


def _is_measured(run: RunDir, ref: ScoreRef) -> bool:
    if not ref.metrics:  # every record has the others: it need not be read
        return run.score(ref).exists()
    try:
        return not read_record(run.score(ref), Score).lacks(ref)
    except FileNotFoundError:
        return False
