"""Why an attempt ended, told apart from what it left: its exit code, its log, its record."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from gdsweep.runs import Attempt, RunDir, last_attempt, write_attempt
from gdsweep.runs.causes import cause_in

MACHINE = frozenset({"nccl", "cuda", "killed"})
"""Causes that may be the node's fault: another node may do."""

TAIL = 64 * 1024
"""Bytes of a log that are searched."""


def tail_of(log: Path, begin: int = 0) -> tuple[str, int]:
    """The end of a log from byte `begin` on, and the number of lines of the whole file."""
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return "", 0
    return content[max(begin, len(content) - TAIL) :].decode(errors="replace"), content.count(b"\n")


def explain(code: int, log: Path, begin: int) -> tuple[str, str, str]:
    """Cause, one line and `LOG:LINE` of a process that ended badly and may have said why."""
    text, lines = tail_of(log, begin)
    speaking = [line.strip() for line in text.splitlines() if any(map(str.isalnum, line))]
    words = speaking[-1] if speaking else "nothing was logged"
    if code < 0:
        name = signal.Signals(-code).name
        cause = cause_in(text) if code != -signal.SIGKILL else "memory"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        message = f"killed by {name}{hint}; last said: {words}"
        return cause or "killed", message, f"{log.name}:{max(lines, 1)}"
    return cause_in(text) or "error", words, f"{log.name}:{max(lines, 1)}"


def record_failure(
    run: RunDir, cause: str, message: str, log: str | None, process: dict[str, str | int | None]
) -> None:
    """Note a failure where the trainer did not, or only felt a peer's."""
    last = last_attempt(run)
    if last is not None and last.outcome == "failed" and last.cause != "nccl":
        return  # it has said itself what was wrong
    ours = last is not None and (last.outcome is None or last.outcome == "failed")
    if last is None or not ours:
        number = last.number + 1 if last else 1
        last = Attempt(number=number, started=time.time(), process=dict(process))
    ended = {"ended": time.time(), "outcome": "failed"}
    note(run, last, **ended, cause=cause, message=message, log=log)


def note(run: RunDir, attempt: Attempt, **changes: object) -> None:
    """Write an attempt's record with changes."""
    write_attempt(run, attempt.model_copy(update=changes))


def fruitless(attempts: Sequence[Attempt], job: str) -> int:
    """How many attempts in a row, the newest first, this job died in without having saved.

    What was stopped by a signal has saved; a job that is told to stop is never stuck. One that did
    not answer in time may not have.
    """
    count = 0
    for attempt in reversed(attempts):
        dead = attempt.outcome is None or attempt.cause in ("timeout", "silent")
        if (
            not dead
            or attempt.process.get("job") != job
            or (attempt.last_iteration or 0) > attempt.first_iteration
        ):
            break
        count += 1
    return count


def timeouts(attempts: Sequence[Attempt], job: str) -> int:
    """How many time limits a job has run into."""
    return sum(a.cause == "timeout" and a.process.get("job") == job for a in attempts)
