"""Overlays and COCO results for people."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from tiny import TINY

from gdsweep.commands.entry import console
from gdsweep.config import CellSettings, CocoData, ImageSet, ModelSettings, RunConfig, Scaling
from gdsweep.data.image_file import read_image
from gdsweep.interop.open import open_checkpoint
from gdsweep.interop.predicting import predict_files
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


def test_larger_images_are_predicted_in_tiles(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for tiles in (["off"], ["32", "--tile-overlap", "8"], ["48x64"]):
        out = tmp_path / tiles[0]
        more = ("--threshold", "0", "--detections", "5", "--tiles", *tiles)
        assert predicted(checkpoint, images, out, *more) == 0
        found[tiles[0]] = json.loads((out / "predictions.json").read_text())
        loaded = COCO(str(out / "images.json")).loadRes(str(out / "predictions.json"))
        assert {loaded.annToMask(one).shape for one in loaded.anns.values()} == {(48, 64)}
        drawn = capsys.readouterr().out
        assert drawn.startswith(f"3 images, {len(found[tiles[0]])} instances drawn")
        with Image.open(out / "a.png") as picture:
            assert picture.size == (8 * 64, 8 * 48)
    assert found["48x64"] == found["off"]  # an image that is one tile
    assert found["32"] != found["off"]
    wrong = ("--tiles", "32", "--tile-overlap", "32")
    assert predicted(checkpoint, images, tmp_path / "no", *wrong) == 2
    assert "cannot overlap by 32; valid: 1 to 31" in capsys.readouterr().err
    for size in ("0", "8x8x8", "x"):
        with pytest.raises(SystemExit, match="2"):
            predicted(checkpoint, images, tmp_path / "no", "--tiles", size)
        assert f"{size} is no size; valid: 80, 80x96 (HxW), off" in capsys.readouterr().err


def test_nothing_is_drawn_below_the_threshold(
    checkpoint: Path, images: Path, tmp_path: Path
) -> None:
    assert predicted(checkpoint, images, tmp_path / "out", "--threshold", "1") == 0
    with Image.open(tmp_path / "out" / "a.png") as drawn, Image.open(images / "a.png") as image:
        enlarged = np.asarray(image).repeat(8, 0).repeat(8, 1)
        assert np.array_equal(np.asarray(drawn), enlarged)


def write_truth(path: Path, *names: str, size: tuple[int, int] = (48, 64)) -> Path:
    """COCO annotations of one square a file."""
    height, width = size
    square = {
        "category_id": 1,
        "iscrowd": 0,
        "area": 400,
        "bbox": [10, 10, 20, 20],
        "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]],
    }
    page = {
        "images": [
            {"id": n, "file_name": name, "height": height, "width": width}
            for n, name in enumerate(names)
        ],
        "annotations": [{**square, "id": n + 1, "image_id": n} for n in range(len(names))],
        "categories": [{"id": 1, "name": "square"}],
    }
    path.write_text(json.dumps(page))
    return path


def test_annotated_objects_are_drawn_beside(checkpoint: Path, images: Path, tmp_path: Path) -> None:
    truth = write_truth(tmp_path / "truth.json", "images/a.png", "b.jpg", "more/a.png")
    flags = ["--outlines", "--threshold", "1", "--ground-truth", str(truth)]
    assert predicted(checkpoint, images, tmp_path / "out", *flags) == 0
    for name, file in (("a", "a.png"), ("a-2", "more/a.png")):
        with Image.open(tmp_path / "out" / f"{name}.png") as drawn, Image.open(images / file) as i:
            enlarged = np.asarray(i).repeat(8, 0).repeat(8, 1)
            picture = np.asarray(drawn)
        assert picture.shape == (384, 2 * 512 + 8, 3)
        np.testing.assert_array_equal(picture[:, -512:], enlarged)  # no prediction scores 1
        rows, columns = np.nonzero((picture[:, :512] != enlarged).any(-1))
        assert (rows.min(), columns.min(), rows.max(), columns.max()) == (80, 80, 239, 239)


@pytest.mark.parametrize(
    ("names", "size", "told"),
    [
        (["a.png"], (48, 64), r"truth\.json: .*b\.jpg is not among its images"),
        (["a.png", "b.jpg", "more/a.png"], (48, 64), r"/more/a\.png is more than one of its"),
        (["images/a.png", "b.jpg", "more/a.png"], (64, 48), r"64 x 48 pixels, and 48 x 64 in"),
    ],
)
def test_annotations_of_other_images_are_refused(
    names: list[str],
    size: tuple[int, int],
    told: str,
    checkpoint: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    truth = write_truth(tmp_path / "truth.json", *names, size=size)
    assert predicted(checkpoint, images, tmp_path / "out", "--ground-truth", str(truth)) == 2
    assert re.search(told, capsys.readouterr().err)


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


def test_16_bits_are_read_as_asked(checkpoint: Path, tmp_path: Path) -> None:
    ramp = np.linspace(0, 4095, 48 * 64).reshape(48, 64).astype(np.uint16)
    for name, pixels in {"deep.tif": ramp, "shallow.png": (ramp >> 4).astype(np.uint8)}.items():
        Image.fromarray(pixels).save(tmp_path / name)
    found = {}
    for name, *more in (("deep.tif", "--scaling", "0:4095"), ("shallow.png",), ("deep.tif",)):
        out = tmp_path / f"out{len(found)}"
        assert predicted(checkpoint, tmp_path / name, out, "--threshold", "1", *more) == 0
        found[len(found)] = np.asarray(Image.open(out / f"{Path(name).stem}.png")).astype(int)
    assert abs(found[0] - found[1]).max() <= 1
    assert found[2].max() < 16 < found[1].max()  # the upper 8 of 16 bits hold 12 bits darkly


def test_16_bits_are_read_as_the_runs_data_set_is(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.full((48, 64), 4000, np.uint16)).save(tmp_path / "deep.png")
    images = ImageSet(images="i", annotations="absent.json")
    asked = []

    def read(path: Path, scaling: Scaling) -> torch.Tensor:
        asked.append(scaling)
        return read_image(path, scaling)

    monkeypatch.setattr("gdsweep.interop.predicting.read_image", read)
    opened = open_checkpoint(checkpoint)
    data = CocoData(name="wells", train=images, val=images, scaling="percentile")
    run = RunConfig.model_construct(settings=CellSettings(dataset=data))
    for one, more in ((opened, {}), (replace(opened, run=run), {}), (opened, {"scaling": (0, 9)})):
        predict_files([tmp_path / "deep.png"], one, tmp_path / "out", short_edge=64, **more)
    assert asked == ["full", "percentile", (0, 9)]
