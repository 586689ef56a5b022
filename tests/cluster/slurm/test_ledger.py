"""Records of submissions: intents, adoption, and what SLURM has in hand."""

from pathlib import Path

import pytest
from submissions import submission

from gdsweep.cluster.slurm import ledger as module
from gdsweep.cluster.slurm.ledger import (
    Ledger,
    jobs_by_submission,
    latest,
    living,
    open_intents,
    superfluous,
)
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.errors import BadInput
from gdsweep.runs import Store, lock


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Store(tmp_path))


def test_reading_an_empty_store_makes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.read() == []
    assert list(tmp_path.iterdir()) == []


def test_an_intent_that_slurm_has_is_adopted(ledger: Ledger) -> None:
    ledger.write(submission("one", "a", "b"))
    ledger.write(submission("two", "c", created=2.0))
    queued = {"9_0": QueuedJob("9_0", "PENDING", "one"), "9_1": QueuedJob("9_1", "PENDING", "one")}
    one, two = ledger.read_adopting(queued)
    assert one.job == "9"
    assert one.job_of("b") == "9_1"
    assert open_intents([one, two]) == [two]
    assert [s.job for s in ledger.read()] == [None, None], "reading writes nothing"


def test_a_withdrawn_intent_stays_so_even_if_its_job_turns_up(ledger: Ledger) -> None:
    ledger.write(submission("one", "a"))
    ledger.withdraw(ledger.read())
    queued = {"9": QueuedJob("9", "RUNNING", "one")}
    (one,) = ledger.read_adopting(queued)
    assert one.job is None
    assert living([one], queued) == {}
    assert latest([one]) == {}


def test_the_newest_submission_of_a_run_counts() -> None:
    old, new = submission("old", "a", "b"), submission("new", "a", created=2.0)
    assert {run: s.id for run, s in latest([old, new]).items()} == {"a": "new", "b": "old"}


def test_what_is_over_or_never_to_be_is_not_in_hand() -> None:
    records = [
        submission("x", "gone", job="1"),
        submission("y", "never", job="2"),
        submission("z", "odd", job="3"),
        submission("w", "purged", job="4"),
    ]
    queued = {
        "1": QueuedJob("1", "TIMEOUT", "x"),
        "2": QueuedJob("2", "PENDING", "y", reason="DependencyNeverSatisfied"),
        "3": QueuedJob("3", "A_STATE_OF_SLURM_99", "z"),
    }
    assert list(living(records, queued)) == ["odd"]


def test_an_id_is_no_identity() -> None:
    """A stranger's job, another submission's, and one without a comment have our ids."""
    records = [
        submission("one", "a", job="1"),
        submission("two", "b", "c", job="2"),
        submission("three", "d", job="3"),
    ]
    queued = {
        "1": QueuedJob("1", "RUNNING", "my own work"),
        "2_0": QueuedJob("2_0", "RUNNING", "three"),
        "2_1": QueuedJob("2_1", "RUNNING"),
        "3": QueuedJob("3", "RUNNING", "three team"),
    }
    assert living(records, queued) == {"d": queued["3"].job()}
    assert superfluous(records, queued) == [queued["2_0"]]


def test_a_wrong_id_is_put_right_by_the_comment(ledger: Ledger) -> None:
    ledger.write(submission("one", "a", "b", job="77"))
    queued = {
        "77": QueuedJob("77", "RUNNING", "my own work"),
        "1000_0": QueuedJob("1000_0", "PENDING", "one"),
        "1000_1": QueuedJob("1000_1", "PENDING", "one"),
    }
    (one,) = ledger.read_adopting(queued)
    assert one.job == "1000"
    assert {run: job.id for run, job in living([one], queued).items()} == {
        "a": "1000_0", "b": "1000_1",
    }  # fmt: skip


def test_of_two_jobs_of_one_submission_the_recorded_one_stays() -> None:
    queued = {n: QueuedJob(n, "PENDING", "one") for n in ("9", "10")}
    assert jobs_by_submission(queued) == {"one": ["9", "10"]}
    assert superfluous([submission("one", "a", job="10")], queued) == [queued["9"]]
    void = submission("one", "a", job="10", withdrawn=True)
    assert superfluous([void], queued) == list(queued.values())


def test_another_launch_is_waited_for_aloud_and_not_for_ever(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    ledger.root.mkdir(parents=True)
    with (
        lock.hold(ledger.root / "lock"),
        pytest.raises(BadInput, match="another launch has held the store for 15 minutes"),
        ledger.alone(),
    ):
        raise AssertionError
    assert capsys.readouterr().err.count("waiting for it to end") == 1


def test_a_damaged_record_is_told_and_holds_up_nothing(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.write(submission("one", "a")).write_text("{")
    whole = submission("two", "b")
    ledger.write(whole)
    (ledger.folder("x").parent / "a note").write_text("")
    assert ledger.read() == ledger.read() == [whole]
    assert capsys.readouterr().err.count("submission.json: damaged") == 1
