"""The state of a run from its files."""

import json
from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.runs import Attempt, RunDir, ScoreRef, Wanted, lock, read_state, unbegun
from gdsweep.runs.state import missing

SCORE = ScoreRef(at="best", network="student")
WANTED = Wanted(stop=40, milestones=(10,), best=True, scores=(SCORE,))


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    for folder in ("checkpoints", "attempts", "scores"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config.yaml").touch()
    return RunDir(tmp_path)


def attempt(run: RunDir, number: int, **values: object) -> None:
    record = Attempt.model_validate({"number": number, "started": 0.0, **values})
    atomic.write_json(run.attempt(number), record.model_dump(mode="json"))


def deliver(run: RunDir) -> None:
    run.state(10).touch()
    run.state(40).touch()
    run.best.write_text("{}")
    run.score(SCORE).write_text("{}")


def test_no_directory_is_new(tmp_path: Path) -> None:
    state = read_state(RunDir(tmp_path / "none"), WANTED)
    assert (state.status, state.iteration, state.attempt) == ("new", 0, None)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("wanted", [WANTED, Wanted(), Wanted(scores=(SCORE,))])
def test_what_is_told_of_no_directory_is_what_an_empty_one_lacks(
    run: RunDir, wanted: Wanted
) -> None:
    empty = read_state(run, wanted)
    state = unbegun(wanted)
    assert (state.missing, state.iteration, state.attempt) == (empty.missing, 0, None)
    assert read_state(run.sibling("none"), wanted) == state


def test_from_new_to_done(run: RunDir) -> None:
    assert read_state(run, WANTED).status == "new"
    attempt(run, 1)
    run.state(20).touch()
    state = read_state(run, WANTED)
    assert (state.status, state.iteration) == ("interrupted", 20)
    with lock.hold(run.lock):
        assert read_state(run, WANTED).status == "running"
    attempt(run, 1, outcome="failed")
    assert read_state(run, WANTED).status == "failed"
    attempt(run, 2)
    assert read_state(run, WANTED).status == "interrupted"
    deliver(run)
    assert read_state(run, WANTED).status == "done"
    more = WANTED.merged(Wanted(stop=60))
    assert read_state(run, more).status == "interrupted"


def test_what_is_missing(run: RunDir) -> None:
    gone = missing(run, WANTED)
    assert (gone.stop, gone.milestones, gone.best, gone.scores) == (40, (10,), True, (SCORE,))
    deliver(run)
    assert not missing(run, WANTED)
    run.state(10).unlink()
    assert missing(run, WANTED).milestones == (10,)


def test_a_score_without_a_metric_that_is_asked_for_is_missing(run: RunDir) -> None:
    deliver(run)
    asked = SCORE.with_metrics(["boundary_AP"])
    more = WANTED.merged(Wanted(scores=(asked,)))
    record = {
        "ref": SCORE.model_dump(), "iteration": 40, "metrics": {"AP": 1.0}, "images": 1,
        "instances": 1, "predictions": None,
    }  # fmt: skip
    run.score(SCORE).write_text(json.dumps(record))
    assert missing(run, more).scores == (asked,)
    assert not missing(run, WANTED)
    record["metrics"] = {"AP": 1.0, "boundary_AP": None}  # measured: there is no object
    run.score(SCORE).write_text(json.dumps(record))
    assert not missing(run, more)
    run.score(SCORE).unlink()
    assert missing(run, more).scores == (asked,)


def test_damage_is_named(run: RunDir) -> None:
    run.attempt(1).write_text('{"number": ')
    with pytest.raises(BadInput, match=r"001\.json: damaged"):
        read_state(run, WANTED)
