"""What each format answers without being opened, and that nobody else answers for it."""

import ast
import hashlib
from pathlib import Path

import pytest
from streets import streets

from gdsweep.config import FORMATS, CityscapesData, CocoData, FileFormat, ImageSet, ShapesData
from gdsweep.data import open_dataset

ROOT = Path(__file__).parents[2]
CLASSES = {model.__name__ for model in FORMATS.values()} | {FileFormat.__name__}


SHORTER = ["plots/scored_images.py"]
"""Asks which format it is, to read COCO's images without torch; it opens any other."""


def coco(**more: ImageSet) -> CocoData:
    sets = {name: ImageSet(images=name, annotations=f"{name}.json") for name in ("train", "val")}
    return CocoData(name="pets", root="/data", **sets, **more)


def asks_for_a_format(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if node.func.id == "isinstance" and names & CLASSES:
                return True
    return False


def test_nobody_asks_which_format_it_is() -> None:
    files = [path for room in ("gdsweep", "plots") for path in (ROOT / room).rglob("*.py")]
    asking = [str(path.relative_to(ROOT)) for path in files if asks_for_a_format(path)]
    assert asking == SHORTER


def test_every_format_is_found_by_its_word() -> None:
    assert {"cityscapes": CityscapesData, "coco": CocoData, "shapes": ShapesData} == FORMATS


def test_places() -> None:
    assert coco().place == Path("/data/train.json")
    assert CityscapesData(name="c", root="/data").place == Path("/data/gtFine")
    assert ShapesData(name="s").place is None
    of_catalog = ImageSet(images="", annotations="detectron2:pets")
    assert CocoData(name="p", train=of_catalog, val=of_catalog).place is None


def test_relative_places_are_the_grids(tmp_path: Path) -> None:
    assert CityscapesData(name="c", root="x").rooted(tmp_path).root == str(tmp_path / "x")
    for fixed in ("/data", "~/data", "$DATA"):
        assert CityscapesData(name="c", root=fixed).rooted(tmp_path).root == fixed
    shapes = ShapesData(name="s")
    assert shapes.rooted(tmp_path) is shapes


def test_where_scores_are_of_test_images() -> None:
    assert not coco().has_test
    assert coco(test=ImageSet(images="test", annotations="test.json")).has_test
    assert not CityscapesData(name="c").has_test
    assert ShapesData(name="s").has_test


def test_identities() -> None:
    assert coco().identity(None) == {"name": "pets", "format": "coco"}
    assert coco().identity(False)["extra_unlabelled"] is False
    cityscapes = CityscapesData(name="c", masks="polygons")
    assert cityscapes.identity(True) == {
        "name": "c",
        "format": "cityscapes",
        "masks": "polygons",
        "extra_unlabelled": True,
    }
    shapes = {"name": "s", "format": "shapes", "size": 64, "train": 2000, "val": 200, "test": 500}
    assert ShapesData(name="s").identity(None) == {**shapes, "world": 0}
    assert ShapesData(name="s", objects=(2, 3)).identity(False)["objects"] == [2, 3]


@pytest.mark.parametrize("masks", ["instance-ids", "polygons"])
def test_a_fingerprint_of_listed_files_is_that_of_the_opened_data(
    tmp_path: Path, masks: str
) -> None:
    data = CityscapesData(name="streets", root=str(streets(tmp_path)), masks=masks)
    files = data.annotation_files()
    assert set(files) == {"train", "val"}
    digests = {
        split: {n: hashlib.sha256(path.read_bytes()).hexdigest() for n, path in found.items()}
        for split, found in files.items()
    }
    found = {split: data.fingerprint(sha256) for split, sha256 in digests.items()}
    assert found == open_dataset(data).fingerprint
