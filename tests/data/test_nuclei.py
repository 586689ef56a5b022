"""The embedded microscope images: what their README says of them, and the script that cut them."""

import json
import re
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from gdsweep.data import open_dataset
from gdsweep.grid.names import PRESETS
from gdsweep.grid.presets import shipped_dataset

FOLDER = PRESETS / "datasets" / "nuclei"
SETS = ("train", "val", "test", "whole")


@cache
def content(name: str) -> dict[str, Any]:
    """One COCO file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def pixels(name: str, image: dict[str, Any]) -> np.ndarray:
    """One image, RGB."""
    return np.asarray(Image.open(FOLDER / name / image["file_name"]).convert("RGB"))


def test_it_opens_as_any_coco_data_set() -> None:
    splits = open_dataset(shipped_dataset("nuclei").data)
    assert splits.notes == []
    assert splits.train.classes == ("nucleus",)
    assert splits.test.image(0).shape == (3, 80, 80)


def test_it_is_small() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10e6


@pytest.mark.parametrize("name", SETS)
def test_every_file_has_a_licence_an_origin_and_a_line_in_the_readme(name: str) -> None:
    images, annotations = content(name)["images"], content(name)["annotations"]
    assert {path.name for path in (FOLDER / name).iterdir()} == {i["file_name"] for i in images}
    assert [licence["name"] for licence in content(name)["licenses"]] == ["CC0 1.0"]
    assert {image["license"] for image in images} == {content(name)["licenses"][0]["id"]}
    assert all(image["of"].startswith(image["source"][:16]) for image in images)
    (line,) = re.findall(rf"^\| `{name}` .*$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    told = [cell.strip().split(" ")[0] for cell in line.split("|")[2:4]]
    assert told == [f"{len(images):,}", f"{len(annotations):,}"]


def test_no_image_is_on_two_sides() -> None:
    sources = {name: {i["source"] for i in content(name)["images"]} for name in SETS}
    assert not sources["train"] & sources["val"]
    assert not sources["test"] & (sources["train"] | sources["val"])
    assert sources["test"] == sources["whole"]


def test_test_windows_are_of_the_whole_images() -> None:
    whole = {image["file_name"]: image for image in content("whole")["images"]}
    images = content("test")["images"]
    assert {image["of"] for image in images} == set(whole)
    for image in images[::40]:
        left, top = image["corner"]
        window = pixels("whole", whole[image["of"]])[top : top + 80, left : left + 80]
        np.testing.assert_array_equal(window, pixels("test", image))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """make.py, which is no module of the package."""
    spec = spec_from_file_location("make_nuclei", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_source(folder: Path, name: str, colours: tuple[int, int, int]) -> None:
    """A COCO file with one image of 100 x 170 pixels and two objects across borders of windows."""
    masks = np.zeros((100, 170, 2), np.uint8, order="F")
    masks[10:20, 78:90, 0] = 1  # 20 pixels left of column 80, 100 right of it
    masks[70:83, 30, 1] = 1  # 10 pixels above row 80, the last that is used
    image = {"id": 7, "file_name": f"{name}-00.png", "height": 100, "width": 170, "source": name}
    record = {
        "info": {},
        "licenses": [{"id": 1, "name": "CC0 1.0"}],
        "categories": [{"id": 1, "name": "nucleus"}],
        "images": [image],
        "annotations": [
            {"image_id": 7, "segmentation": {**code, "counts": code["counts"].decode()}}
            for code in rle.encode(masks)
        ],
    }
    (folder / "images").mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record))
    picture = np.zeros((100, 170, 3), np.uint8)
    picture[:, 80:] = colours
    Image.fromarray(picture).save(folder / "images" / f"{name}-00.png")


def test_the_script_cuts_objects_with_their_windows(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, colours in (("train", (9, 9, 9)), ("val", (9, 9, 9)), ("test", (9, 8, 7))):
        write_source(tmp_path, name, colours)
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["make.py", str(tmp_path), "--out", str(out)])
    script.main()
    cut = json.loads((out / "train.json").read_text())
    names = ["train-00-0-0.png", "train-00-80-0.png"]
    assert [image["file_name"] for image in cut["images"]] == names
    assert [(a["image_id"], a["area"]) for a in cut["annotations"]] == [(1, 20), (2, 100)]
    assert cut["annotations"][1]["bbox"] == [0, 10, 10, 10]
    right = Image.open(out / "train" / names[1])
    assert (right.mode, right.size, right.getpixel((0, 0))) == ("L", (80, 80), 9)
    assert Image.open(out / "test" / "test-00-80-0.png").getpixel((0, 0)) == (9, 8, 7)
    whole = json.loads((out / "whole.json").read_text())
    assert [a["area"] for a in whole["annotations"]] == [120, 13]
