"""Records of submissions: intents, adoption, and what SLURM has in hand."""

from pathlib import Path

import pytest
from submissions import submission

from gdsweep.cluster.slurm.ledger import Ledger, latest, living, open_intents
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.errors import BadInput
from gdsweep.runs import Store


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
        "1": QueuedJob("1", "TIMEOUT"),
        "2": QueuedJob("2", "PENDING", reason="DependencyNeverSatisfied"),
        "3": QueuedJob("3", "A_STATE_OF_SLURM_99"),
    }
    assert list(living(records, queued)) == ["odd"]


def test_a_damaged_record_is_told(ledger: Ledger) -> None:
    path = ledger.write(submission("one", "a"))
    path.write_text("{")
    with pytest.raises(BadInput, match=r"submission\.json: damaged"):
        ledger.read()
