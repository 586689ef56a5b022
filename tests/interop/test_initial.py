"""Others' weights as a run's first weights and as its teacher, through the real trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import TINY, merged, train

from gdsweep.config import CellSettings, ModelSettings, RunConfig
from gdsweep.errors import BadInput
from gdsweep.interop import convert
from gdsweep.interop.initial import load_initial
from gdsweep.interop.weights_file import write_weights_file
from gdsweep.model import Mask2Former
from gdsweep.runs import RunDir, ScoreRef, Store, Wanted, missing, read_wanted
from gdsweep.train import checkpoint

SHAPES = ("disc", "square", "triangle", "cross")
AT_START = ScoreRef(at=0, network="student", split="test")


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., tuple[Path, Mask2Former]]:
    """Write a weights file of a tiny network for the given classes."""

    def make(classes: tuple[str, ...] = SHAPES, **changes: Any) -> Any:
        settings = ModelSettings.model_validate(merged(TINY["model"], changes))
        torch.manual_seed(9)
        model = Mask2Former(settings, len(classes))
        path = tmp_path / "theirs.pt"
        write_weights_file(path, model.state_dict(), settings, classes, "a test")
        return path, model

    return make


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunDir]:
    store = Store(tmp_path / "store")
    store.check_writable()

    def make(objective: str, wanted: Wanted, **changes: Any) -> RunDir:
        settings = CellSettings.model_validate(merged(TINY, changes))
        run = store.create(RunConfig(run="r", objective=objective, settings=settings), {})
        store.want(run, wanted)
        return run

    return make


def test_published_weights_are_scored_without_training(
    weights: Any, make_run: Any, tmp_path: Path
) -> None:
    path, model = weights()
    wanted = Wanted(scores=(AT_START,))
    run = make_run("supervised", wanted, model={"init": str(path)})
    assert train(run)
    assert not missing(run, read_wanted(run))
    state = checkpoint.load(run.state(0))["student"]
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert run.score(AT_START).is_file()
    assert run.states() == [0]


def test_a_head_of_other_classes_is_adapted_and_that_is_logged(
    weights: Any, make_run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path, model = weights(("cat", "disc"))
    run = make_run("supervised", Wanted(scores=(AT_START,)), model={"init": str(path)})
    train(run)
    name = "transformer_decoder.class_head.weight"
    head, given = checkpoint.load(run.state(0))["student"][name], model.state_dict()[name]
    assert torch.equal(head[0], given[1])  # disc
    assert torch.equal(head[-1], given[-1])  # "no object"
    assert "1 are known by name, 3 rows start anew" in caplog.text


def test_others_weights_teach(weights: Any, make_run: Any) -> None:
    path, _ = weights()
    teacher = {"teacher": {"init": str(path)}}
    run = make_run("guided", Wanted(stop=2), distillation=teacher, schedule={"iterations": 2})
    assert train(run)
    assert checkpoint.load(run.state(2))["teacher_digest"]


@pytest.mark.parametrize(("to", "name"), [("mask2former", "a.pth"), ("transformers", "folder")])
def test_a_converted_file_teaches(
    to: Any, name: str, weights: Any, make_run: Any, tmp_path: Path
) -> None:
    network = {"backbone": "resnet18", "norm": "frozen"}
    path, model = weights(**network)
    convert(path, tmp_path / name, to)
    run = make_run(
        "guided",
        Wanted(stop=1),
        model=network,
        distillation={"teacher": {"init": str(tmp_path / name)}},
        schedule={"iterations": 1},
    )
    assert train(run)
    taught = checkpoint.load(run.state(1))["teacher_digest"]
    assert taught == checkpoint.digest(model.state_dict())


def test_a_teacher_of_other_classes_is_refused(weights: Any, make_run: Any) -> None:
    path, _ = weights(("cat", "disc"))
    teacher = {"teacher": {"init": str(path)}}
    run = make_run("guided", Wanted(stop=2), distillation=teacher, schedule={"iterations": 2})
    with pytest.raises(BadInput, match="cannot teach: the class head was for 2 classes"):
        train(run)


def test_another_network_is_refused(weights: Any, make_run: Any) -> None:
    path, _ = weights(queries=9)
    run = make_run("supervised", Wanted(scores=(AT_START,)), model={"init": str(path)})
    with pytest.raises(BadInput, match=r"other shapes: .*\[9, 32\] instead of \[6, 32\]"):
        train(run)


def test_a_run_of_another_width_is_refused_by_its_settings(make_run: Any, tmp_path: Path) -> None:
    run = make_run("supervised", Wanted(scores=(AT_START,)))
    train(run)
    for changes, told in (
        ({"hidden": 16}, r"its model has hidden 32 \(here 16\); set these alike"),
        ({"heads": 4, "queries": 3}, r"has heads 2 \(here 4\), queries 6 \(here 3\)"),
    ):
        settings = ModelSettings.model_validate(merged(TINY["model"], changes))
        with pytest.raises(BadInput, match=told) as refused:
            load_initial(Mask2Former(settings, 4), str(run.path), settings, SHAPES)
        assert "\n" not in str(refused.value)


def test_statistics_of_a_run_may_be_frozen_now(make_run: Any) -> None:
    run = make_run("supervised", Wanted(scores=(AT_START,)))  # norm: batch
    train(run)
    for norm in ("frozen", "sync"):
        settings = ModelSettings.model_validate(merged(TINY["model"], {"norm": norm}))
        model = Mask2Former(settings, 4)
        load_initial(model, str(run.path), settings, SHAPES)
        state = checkpoint.load(run.state(0))["student"]
        assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())


def test_a_runs_checkpoint_converts(weights: Any, make_run: Any, tmp_path: Path) -> None:
    path, model = weights()
    run = make_run("supervised", Wanted(scores=(AT_START,)), model={"init": str(path)})
    train(run)
    convert(run.path, tmp_path / "out.pt", "gdsweep")
    out = torch.load(tmp_path / "out.pt", weights_only=True)
    assert out["classes"] == list(SHAPES)
    assert all(torch.equal(v, out["student"][k]) for k, v in model.state_dict().items())
