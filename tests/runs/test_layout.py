"""File names of a run directory."""

from pathlib import Path

import pytest

from gdsweep.runs import RunDir, ScoreRef


def test_names(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "a")
    ref = ScoreRef(at="best", network="student")
    assert run.name == "a"
    assert run.sibling("b").path == tmp_path / "b"
    assert run.attempt(7).name == "007.json"
    assert run.attempt(1234).name == "1234.json"
    assert run.state(600) == run.checkpoints / "state-0000600.pt"
    assert run.weights("teacher", 600) == run.checkpoints / "teacher-0000600.pt"
    assert run.score(ref) == run.path / "scores" / "test-best-student.json"
    assert run.predictions(ref) == run.path / "predictions" / "test-best-student.json"


def test_states_are_the_complete_ones_in_order(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert run.states() == []
    run.checkpoints.mkdir()
    for name in (
        "state-0000100.pt",
        "state-0000020.pt",
        ".state-0000300.pt.x1",
        "student-0000400.pt",
    ):
        (run.checkpoints / name).touch()
    assert run.states() == [20, 100]


def test_the_run_that_a_checkpoint_lies_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDir(tmp_path / "run")
    assert RunDir.holding(run.state(1)) is None
    run.checkpoints.mkdir(parents=True)
    run.config.touch()
    found = RunDir.holding(run.state(1))
    assert found is not None
    assert found.path == run.path
    assert RunDir.holding(run.path / "other" / "state.pt") is None
    monkeypatch.chdir(run.checkpoints)
    assert RunDir.holding(Path("state-0000001.pt")) is not None
