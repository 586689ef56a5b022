"""Why attempts end, from exit codes, logs and records."""

import signal
from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.cluster.slurm.causes import explain, fruitless, record_failure, timeouts
from gdsweep.runs import Attempt, RunDir
from gdsweep.runs.attempts import last_attempt


def test_only_what_this_attempt_said_counts(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("CUDA out of memory\n")
    begin = log.stat().st_size
    with open(log, "a") as file:
        file.write("Traceback (most recent call last):\nValueError: wrong\n")
    assert explain(1, log, begin) == ("error", "ValueError: wrong", "log.txt:3")
    cause, message, _ = explain(-signal.SIGKILL, log, begin)
    assert cause == "memory"
    assert message.startswith("killed by SIGKILL (out of memory?)")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    (tmp_path / "run" / "attempts").mkdir(parents=True)
    return RunDir(tmp_path / "run")


def put(run: RunDir, number: int, **fields: object) -> Attempt:
    attempt = Attempt.model_validate({"number": number, "started": 1.0, **fields})
    atomic.write_json(run.attempt(number), attempt.model_dump(mode="json"))
    return attempt


def test_the_trainers_own_words_stay(run: RunDir) -> None:
    put(run, 1, outcome="failed", cause="nan", message="the loss is nan")
    record_failure(run, "error", "x", None, {})
    last = last_attempt(run)
    assert last is not None
    assert (last.number, last.cause) == (1, "nan")


@pytest.mark.parametrize("before", [{}, {"outcome": "failed", "cause": "nccl"}])
def test_a_peers_cause_replaces_silence_and_broken_connections(
    run: RunDir, before: dict[str, str]
) -> None:
    put(run, 1, **before)
    record_failure(run, "memory", "rank 3 had no memory", "log.txt.rank3:9", {})
    last = last_attempt(run)
    assert last is not None
    assert (last.number, last.outcome, last.cause) == (1, "failed", "memory")


def test_a_failure_before_any_record_gets_one(run: RunDir) -> None:
    put(run, 1, outcome="stopped")
    record_failure(run, "error", "no such module", None, {"job": "7"})
    last = last_attempt(run)
    assert last is not None
    assert (last.number, last.process["job"]) == (2, "7")


def test_budgets_count_this_job_alone(run: RunDir) -> None:
    ours = {"process": {"job": "7"}}
    dead = put(run, 1, **ours)
    saved = put(run, 2, **ours, last_iteration=20, first_iteration=10)
    stopped = put(run, 3, **ours, outcome="stopped", cause="preempted")
    other = put(run, 4, process={"job": "6"})
    late = put(run, 5, **ours, outcome="stopped", cause="timeout", last_iteration=5)
    assert fruitless([dead, dead], "7") == 2
    assert fruitless([dead, saved, dead], "7") == 1
    assert fruitless([dead, stopped], "7") == 0
    assert fruitless([other, other], "7") == 0
    assert timeouts([late, dead, late, stopped], "7") == 2
