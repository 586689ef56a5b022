"""Overlays and COCO results for people."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from tiny import TINY

from gdsweep.commands.entry import console
from gdsweep.config import ModelSettings
from gdsweep.interop.weights_file import write_weights_file
from gdsweep.model import Mask2Former


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = ModelSettings.model_validate(TINY["model"])
    path = tmp_path / "ours.pt"
    names = ("disc", "square", "triangle")
    write_weights_file(path, Mask2Former(settings, 3).state_dict(), settings, names, "a test")
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for n, name in enumerate(("a.png", "b.jpg", "more/a.png")):
        pixels = np.random.default_rng(n).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def predicted(checkpoint: Path, images: Path, out: Path, *more: str) -> int:
    return console(
        ["predict", str(checkpoint), str(images), "--out", str(out), "--short-edge", "64", *more]
    )


def test_overlays_and_results(checkpoint: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert predicted(checkpoint, images, out, "--threshold", "0", "--detections", "5") == 0
    assert {p.name for p in out.glob("*.png")} == {"a.png", "b.png", "a-2.png"}
    with Image.open(out / "a.png") as drawn:
        assert drawn.size == (8 * 64, 8 * 48)  # small images are enlarged
    coco = COCO(str(out / "images.json"))
    results = json.loads((out / "predictions.json").read_text())
    assert len(results) == 3 * 5
    loaded = coco.loadRes(results)
    assert {coco.cats[r["category_id"]]["name"] for r in results} <= {"disc", "square", "triangle"}
    assert loaded.annToMask(loaded.anns[1]).shape == (48, 64)


def test_nothing_is_drawn_below_the_threshold(
    checkpoint: Path, images: Path, tmp_path: Path
) -> None:
    assert predicted(checkpoint, images, tmp_path / "out", "--threshold", "1") == 0
    with Image.open(tmp_path / "out" / "a.png") as drawn, Image.open(images / "a.png") as image:
        enlarged = np.asarray(image).repeat(8, 0).repeat(8, 1)
        assert np.array_equal(np.asarray(drawn), enlarged)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": "absent.jpg"}, "absent.jpg: no such image file or folder"),
        ({"checkpoint": "absent.pt"}, "absent.pt: cannot be read"),
        ({"more": ["--threshold", "7"]}, "--threshold: 7.0 is not between 0 and 1"),
        ({"more": ["--short-edge", "0"]}, "--short-edge: 0 is not 1 or more"),
        ({"more": ["--device", "moon"]}, "moon: no device that torch can use here ("),
    ],
)
def test_bad_input_is_one_line(
    change: dict[str, Any],
    told: str,
    checkpoint: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {"checkpoint": checkpoint, "images": images, "more": []} | change
    arguments = [str(given["checkpoint"]), str(given["images"]), "--out", str(tmp_path / "out")]
    assert console(["predict", *arguments, *given["more"]]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert not (tmp_path / "out").exists()
