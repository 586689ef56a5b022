"""The attempts at a run: reading and writing their records."""

import contextlib
from pathlib import Path

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.runs.layout import RunDir
from gdsweep.runs.records import Attempt, read_record


def attempts_of(run: RunDir) -> list[Attempt]:
    """All attempts at a run, the oldest first. Raises BadInput for a damaged record."""
    return [read_record(path, Attempt) for path in run.attempt_records()]


def readable_attempts(run: RunDir) -> list[Attempt]:
    """All attempts whose records can be read, the oldest first."""
    found = []
    for path in run.attempt_records():
        with contextlib.suppress(BadInput):  # the plan tells of the last one, and holds the run
            found.append(read_record(path, Attempt))
    return found


def last_attempt(run: RunDir) -> Attempt | None:
    """The newest attempt; None where there is none. Raises BadInput for a damaged record."""
    records = run.attempt_records()
    return read_record(records[-1], Attempt) if records else None


def next_number(run: RunDir) -> int:
    """The number of an attempt that begins now; a damaged record counts."""
    records: list[Path] = run.attempt_records()
    return int(records[-1].stem) + 1 if records else 1


def write_attempt(run: RunDir, attempt: Attempt) -> None:
    """Write an attempt's record, whole or not at all. Raises OSError."""
    run.attempts.mkdir(exist_ok=True)
    atomic.write_json(run.attempt(attempt.number), attempt.model_dump(mode="json"))
