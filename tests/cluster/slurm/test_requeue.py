"""Giving a job back from inside it, with a SLURM that answers as a test wants."""

import time
from pathlib import Path

import pytest
from fake_commands import calls, put

from gdsweep.cluster.slurm import commands, requeue
from gdsweep.cluster.slurm.requeue import Limit, is_preempted


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others on the PATH; nobody waits."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(commands.time, "sleep", lambda seconds: None)
    return tmp_path


def test_an_answer_that_is_late_once_is_asked_for_again(fake: Path) -> None:
    late = "{ echo 'Socket timed out on send/recv operation' >&2; exit 1; }"
    put(fake, "scontrol", f"[ $(wc -l < {fake}/calls) -ge 2 ] || {late}")
    assert requeue.requeue("7_1") is None
    assert calls(fake) == ["scontrol requeue 7_1"] * 2


def test_a_second_answer_may_say_that_it_is_done(fake: Path) -> None:
    put(fake, "scontrol", "echo 'Job is pending execution' >&2; exit 1")
    assert requeue.requeue("7") is None


def test_who_may_not_is_told_why(fake: Path) -> None:
    put(fake, "scontrol", "echo 'Requested operation is presently disabled' >&2; exit 1")
    assert requeue.requeue("7") == "scontrol: Requested operation is presently disabled"


def test_a_node_without_slurms_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(requeue, "_PLACES", ())
    assert "scontrol: not on the PATH" in str(requeue.requeue("7"))
    assert not is_preempted("7")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("PreemptTime=2026-11-26T10:00:00", True),
        ("PreemptTime=None", False),
        ("PreemptTime=Unknown StartTime=Unknown", False),
        ("StartTime=Ystday 10:00", False),
        ("", False),
    ],
)
def test_whether_it_has_to_make_room(fake: Path, shown: str, told: bool) -> None:
    put(fake, "scontrol", f"echo 'JobId=7 {shown}'")
    assert is_preempted("7") is told


def test_the_limit_is_counted_from_the_scripts_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(minutes=60, signal_seconds=120)
    monkeypatch.delenv("GDSWEEP_STARTED", raising=False)
    assert (limit.end, limit.last_call, limit.is_near) == (None, None, False)
    now = int(time.time())
    monkeypatch.setenv("GDSWEEP_STARTED", str(now))
    assert (limit.end, limit.last_call, limit.is_near) == (now + 3600, now + 3570, False)
    monkeypatch.setenv("GDSWEEP_STARTED", str(now - 3600 + 180))
    assert limit.is_near, "SLURM may give notice a minute early"
