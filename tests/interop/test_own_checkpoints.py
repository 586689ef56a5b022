"""Checkpoints of our runs, in their run and away from it, a Mask R-CNN's too."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import TINY, merged, train

from gdsweep.commands.entry import console
from gdsweep.config import CellSettings, RunConfig
from gdsweep.errors import BadInput
from gdsweep.interop import convert, open_checkpoint
from gdsweep.interop.inspect import inspect
from gdsweep.runs import RunDir, Score, ScoreRef, Store, Wanted, read_best
from gdsweep.train import checkpoint

SHAPES = ("disc", "square", "triangle", "cross")
BASELINE = {
    "architecture": "mask-rcnn",
    "backbone": "resnet18",
    "hidden": 16,
    "encoder_feedforward": 16,
}
FINAL, START = (ScoreRef(at=at, network="student", split="test") for at in ("final", 0))


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., RunDir]:
    """A run of two iterations, or as much as is wanted."""
    store = Store(tmp_path / "store")
    store.check_writable()

    def make(name: str, wanted: Wanted | None = None, **model: Any) -> RunDir:
        changes = {"model": model, "schedule": {"iterations": 2}, "evaluation": {"period": 2}}
        settings = CellSettings.model_validate(merged(TINY, changes))
        run = store.create(RunConfig(run=name, objective="supervised", settings=settings), {})
        store.want(run, wanted or Wanted(stop=2, best=True, scores=(FINAL,)))
        assert train(run)
        return run

    return make


def moved(run: RunDir, folder: Path) -> list[Path]:
    """Copies of the run's best weights and last state, far from its config.yaml."""
    folder.mkdir()
    files = [run.checkpoints / read_best(run)["student"].file, run.state(2)]
    return [Path(shutil.copy(file, folder)) for file in files]


def test_they_say_their_classes_and_network_away_from_their_run(
    trained: Any, tmp_path: Path
) -> None:
    run = trained("r", norm="batch")
    for file in moved(run, tmp_path / "elsewhere"):
        opened = open_checkpoint(file)
        assert (opened.run, opened.classes) == (None, SHAPES)
        assert opened.settings.backbone == "test_resnet"
        assert "4 classes: disc, square, triangle, cross" in inspect(file, None, None, None, False)
        convert(file, tmp_path / "out.pt", "gdsweep")
        assert open_checkpoint(tmp_path / "out.pt").classes == SHAPES


def test_those_without_classes_still_load(trained: Any, tmp_path: Path) -> None:
    run = trained("r")
    file = moved(run, tmp_path / "elsewhere")[0]
    content = torch.load(file, weights_only=True)
    del content["classes"], content["settings"]
    torch.save(content, file)
    assert open_checkpoint(file, settings=CellSettings.model_validate(TINY).model).classes is None
    # beside its run's config.yaml nothing need be said
    own = run.checkpoints / file.name
    shutil.copy(file, own)
    assert open_checkpoint(own).classes is None
    convert(run.path, tmp_path / "out.pt", "gdsweep")
    assert open_checkpoint(tmp_path / "out.pt").classes == SHAPES  # the data set's


def test_predictions_name_the_classes_away_from_the_run(trained: Any, tmp_path: Path) -> None:
    run = trained("r")
    file = moved(run, tmp_path / "elsewhere")[0]
    found = []
    for path in (run.path, file):
        assert predicted(path, tmp_path) == list(SHAPES)
        results = json.loads((tmp_path / "out" / "predictions.json").read_text())
        found.append([(r["score"], r["segmentation"]) for r in results])
    assert found[0] == found[1]
    assert found[0]


def test_what_does_not_fit_its_run_is_one_line(trained: Any) -> None:
    run = trained("r")
    text = run.config.read_text()
    run.config.write_text(text.replace("queries: 6", "queries: 9"))
    with pytest.raises(BadInput, match=r"other shapes: .*\[6, 32\] instead of \[9, 32\]"):
        open_checkpoint(run.path)


def predicted(file: Path, folder: Path) -> list[str]:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "image.png")
    words = [str(file), str(folder / "image.png"), "--out", str(folder / "out")]
    assert console(["predict", *words, "--short-edge", "64", "--threshold", "0"]) == 0
    assert (folder / "out" / "image.png").is_file()
    page = json.loads((folder / "out" / "images.json").read_text())
    return [category["name"] for category in page["categories"]]


def test_a_mask_rcnn_is_opened_converted_and_predicts(trained: Any, tmp_path: Path) -> None:
    run = trained("m", **BASELINE)
    weights = checkpoint.load(run.state(2))["student"]
    files = moved(run, tmp_path / "elsewhere")
    convert(run.path, tmp_path / "out.pt", "gdsweep", at="final")
    for path in (run.path, run.state(2), *files, tmp_path / "out.pt"):
        opened = open_checkpoint(path)
        assert (opened.settings.architecture, opened.class_count) == ("mask-rcnn", 4)
    assert all(torch.equal(v, opened.weights[k]) for k, v in weights.items())
    lines = inspect(tmp_path / "out.pt", None, None, None, False)
    assert lines[1].startswith("Mask R-CNN, resnet18, ")
    assert lines[2].startswith("4 classes: disc")
    assert predicted(tmp_path / "out.pt", tmp_path) == list(SHAPES)


def test_a_mask_rcnn_has_no_place_elsewhere(trained: Any, tmp_path: Path) -> None:
    run = trained("m", **BASELINE)
    for to, name in (("mask2former", "a.pth"), ("transformers", "folder")):
        with pytest.raises(BadInput, match=f"mask-rcnn has no place in {to}") as error:
            convert(run.path, tmp_path / name, to)  # type: ignore[arg-type]
        assert "\n" not in str(error.value)
        assert not (tmp_path / name).exists()


def test_a_mask_rcnn_is_scored_from_its_weights(trained: Any, tmp_path: Path) -> None:
    run = trained("m", **BASELINE)
    convert(run.path, tmp_path / "out.pt", "gdsweep", at="final")
    again = trained("n", Wanted(scores=(START,)), **BASELINE, init=str(tmp_path / "out.pt"))
    first, second = (
        Score.model_validate_json(r.score(ref).read_text()).metrics
        for r, ref in ((run, FINAL), (again, START))
    )
    assert first == second
    assert run.predictions(FINAL).read_bytes() == again.predictions(START).read_bytes()


def test_another_architecture_is_no_start(trained: Any, tmp_path: Path) -> None:
    ours, theirs = trained("r", backbone="resnet18"), trained("m", **BASELINE)
    start = Wanted(scores=(START,))
    for n, (run, model, told) in enumerate(
        (
            (theirs, {"backbone": "resnet18"}, "it is a mask-rcnn, not a mask2former"),
            (ours, BASELINE, "it is a mask2former, not a mask-rcnn"),
        )
    ):
        with pytest.raises(BadInput, match=told):
            trained(f"x{n}", start, **model, init=str(run.path))
