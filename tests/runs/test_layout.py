"""File names of a run directory."""

from pathlib import Path

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
