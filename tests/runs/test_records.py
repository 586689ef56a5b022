"""Records, read back and merged."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.runs import Missing, ScoreRef, Wanted
from gdsweep.runs.records import read_record

BEST = ScoreRef(at="best", network="student")
FINAL = ScoreRef(at="final", network="teacher", split="val")


def test_score_keys() -> None:
    assert BEST.key == "test-best-student"
    assert FINAL.key == "val-final-teacher"
    assert ScoreRef(at=600, network="student").key == "test-600-student"


def test_merging_wishes() -> None:
    a = Wanted(stop=40, milestones=(10, 30), scores=(FINAL,))
    b = Wanted(stop=20, milestones=(20, 10), best=True, scores=(BEST, FINAL))
    both = Wanted(stop=40, milestones=(10, 20, 30), best=True, scores=(BEST, FINAL))
    assert a.merged(b) == b.merged(a) == both
    assert both.merged(both) == both
    assert Wanted().merged(a) == a


def test_missing_is_true_while_anything_is() -> None:
    nothing = Missing(stop=None, milestones=(), best=False, scores=())
    assert not nothing
    for update in ({"stop": 3}, {"milestones": (1,)}, {"best": True}, {"scores": (BEST,)}):
        assert nothing.model_copy(update=update)


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "wanted.json"
    with pytest.raises(FileNotFoundError):
        read_record(path, Wanted)
    path.write_text(Wanted(stop=3).model_dump_json())
    assert read_record(path, Wanted) == Wanted(stop=3)


@pytest.mark.parametrize("content", [b"", b"{", b"\0\0\0", b"\xff", b'{"stop": -1}'])
def test_damage_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wanted.json"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_record(path, Wanted)
    assert str(caught.value).startswith(f"{path}: damaged (")
    assert "\n" not in str(caught.value)


def test_metrics_on_demand_add_up() -> None:
    asked = BEST.with_metrics(["boundary_AP"])
    assert asked.key == BEST.key  # one record holds all metrics of a checkpoint
    one, other = Wanted(scores=(asked, FINAL)), Wanted(scores=(BEST.with_metrics(["b"]), FINAL))
    both = Wanted(scores=(BEST.with_metrics(["b", "boundary_AP"]), FINAL))
    assert one.merged(other) == other.merged(one) == both
    assert one.merged(Wanted(scores=(BEST,))) == one
    old = {"at": "best", "network": "student", "split": "test"}
    assert ScoreRef.model_validate(old) == BEST


def test_a_record_of_a_newer_version_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "wanted.json"
    path.write_text('{"stop": 5, "colour": "blue"}')
    with pytest.raises(BadInput, match=r"written by a newer gdsweep \(colour is not known here\)"):
        read_record(path, Wanted)
