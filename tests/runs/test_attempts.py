"""The records of attempts."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.runs import (
    Attempt,
    RunDir,
    attempts_of,
    last_attempt,
    next_number,
    write_attempt,
)


def test_attempts_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert (attempts_of(run), last_attempt(run), next_number(run)) == ([], None, 1)
    for number in (999, 2, 1000):
        write_attempt(run, Attempt(number=number, started=0.0))
    (run.attempts / ".1001.json.tmp").write_text("half")
    assert [attempt.number for attempt in attempts_of(run)] == [2, 999, 1000]
    last = last_attempt(run)
    assert last is not None
    assert (last.number, next_number(run)) == (1000, 1001)


def test_a_damaged_record_is_named_and_counts(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write_attempt(run, Attempt(number=1, started=0.0))
    run.attempt(2).write_text('{"number": ')
    with pytest.raises(BadInput, match=r"002\.json: damaged"):
        attempts_of(run)
    assert next_number(run) == 3
