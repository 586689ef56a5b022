"""Which file holds a checkpoint."""

from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.runs import RunDir, checkpoint_file, read_best, settled, sign_of


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


def settle(run: RunDir) -> None:
    run.path.mkdir()
    best = {"student": {"iteration": 30, "AP": 12.5, "file": "student-0000030.pt"}}
    atomic.write_json(run.best, best)


def test_final_is_the_horizons_iteration() -> None:
    assert [settled(at, 40) for at in (7, "final", "best")] == [7, 40, "best"]


def test_an_iteration_lies_in_its_state(run: RunDir) -> None:
    for at, iteration in ((7, 7), ("final", 40)):
        found = checkpoint_file(run, "teacher", at, 40)
        assert (found.path, found.iteration) == (run.state(iteration), iteration)
        assert sign_of(run, settled(at, 40)) == run.state(iteration)


def test_the_best_lies_where_the_record_says(run: RunDir) -> None:
    with pytest.raises(FileNotFoundError):
        checkpoint_file(run, "student", "best", 40)
    settle(run)
    found = checkpoint_file(run, "student", "best", 40)
    assert (found.path, found.iteration) == (run.weights("student", 30), 30)
    assert sign_of(run, "best") == run.best
    with pytest.raises(BadInput, match="it has no scored teacher; it has: student"):
        checkpoint_file(run, "teacher", "best", 40)


@pytest.mark.parametrize("content", ["{", "[1]", '{"student": {"iteration": 1}}'])
def test_a_damaged_record_is_named(run: RunDir, content: str) -> None:
    settle(run)
    run.best.write_text(content)
    with pytest.raises(BadInput, match=r"best\.json: damaged"):
        read_best(run)
