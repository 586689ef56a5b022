"""Checkpoints: whole or absent, never executing what they hold, and only the needed ones kept."""

import pickle
import random

import numpy as np
import pytest
import torch

from gdsweep.errors import BadInput
from gdsweep.runs import Best, RunDir
from gdsweep.train import checkpoint


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    return RunDir(tmp_path / "run")


def test_random_generators_of_every_kind_return_to_where_they_were():
    state = checkpoint.random_state()
    first = (torch.rand(3), np.random.rand(3), [random.random() for _ in range(3)])
    checkpoint.set_random_state(state)
    again = (torch.rand(3), np.random.rand(3), [random.random() for _ in range(3)])
    assert torch.equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert first[2] == again[2]


def test_random_state_survives_a_file(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save(path, {"random": checkpoint.random_state()})
    expected = random.random(), float(np.random.rand()), float(torch.rand(()))
    checkpoint.set_random_state(checkpoint.load(path)["random"])
    assert (random.random(), float(np.random.rand()), float(torch.rand(()))) == expected


class _Hostile:
    def __reduce__(self):
        return print, ("this must never run",)


@pytest.mark.parametrize("content", ["truncated", "text", "pickle", "foreign"])
def test_a_file_that_is_no_checkpoint_is_one_clear_line(tmp_path, content, capsys):
    path = tmp_path / "state.pt"
    if content == "truncated":
        checkpoint.save(path, {"weights": torch.zeros(10_000)})
        path.write_bytes(path.read_bytes()[:2000])
    elif content == "text":
        path.write_text("not a checkpoint")
    elif content == "pickle":
        path.write_bytes(pickle.dumps(_Hostile()))
    else:
        torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(BadInput, match=r"state\.pt: not a") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    checkpoint.save(path, {"value": 1})

    def full(*_args, **_kwargs):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"cannot write .*state\.pt"):
        checkpoint.save(path, {"value": 2})
    monkeypatch.undo()
    assert checkpoint.load(path)["value"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_only_states_and_weights_somebody_refers_to_are_kept(run):
    shelf = checkpoint.Shelf(run)
    best = {}
    for iteration, score in ((10, 5.0), (20, 9.0), (30, 7.0), (40, 12.0)):
        if not best or score > best["student"].AP:
            path = run.weights("student", iteration)
            checkpoint.save(path, {"student": {}})
            best = {"student": Best(iteration=iteration, AP=score, file=path.name)}
        shelf.put(iteration, {"iteration": iteration}, best)
        shelf.tidy(iteration, {20}, best)
    assert run.states() == [20, 40]
    kept = sorted(p.name for p in run.checkpoints.glob("student-*"))
    # the milestone's best stays although the run itself has a better one by now
    assert kept == ["student-0000020.pt", "student-0000040.pt"]
    assert shelf.best_at(20)["student"].iteration == 20
    assert shelf.best_at(40)["student"].iteration == 40


def test_the_digest_sees_every_bit():
    weights = {"a": torch.zeros(3), "b": torch.ones(2, dtype=torch.int64)}
    same = checkpoint.digest({k: v.clone() for k, v in weights.items()})
    assert checkpoint.digest(weights) == same
    weights["b"][1] = 2
    assert checkpoint.digest(weights) != same
