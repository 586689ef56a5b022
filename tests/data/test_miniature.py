"""The official layouts in miniature: what the readers and pycocotools find in them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from gdsweep.commands.entry import console
from gdsweep.config import CityscapesData, CocoData, ImageSet
from gdsweep.data import cityscapes_ids, miniature, open_dataset
from gdsweep.data.coco_classes import COCO_CLASSES
from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.miniature import EXTRA, TRAIN, VAL, write_miniatures

GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
"""Ids between 1 and 90 that instances_val2017.json does not have."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "data"
    write_miniatures(path)
    return path


def coco(folder: Path) -> DatasetSplits:
    train, val = (
        ImageSet(images=name, annotations=f"annotations/instances_{name}.json")
        for name in ("train2017", "val2017")
    )
    pool = ImageSet(images="unlabeled2017")
    root = str(folder / "coco")
    return open_dataset(CocoData(name="coco", root=root, train=train, val=val, unlabelled=pool))


def cityscapes(folder: Path, **more: Any) -> DatasetSplits:
    root = str(folder / "cityscapes")
    return open_dataset(CityscapesData(name="cityscapes", root=root, **more))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_classes_are_cocos() -> None:
    assert len(COCO_CLASSES) == 80
    assert set(range(1, 91)) - COCO_CLASSES.keys() == GAPS
    some = {1: "person", 13: "stop sign", 44: "bottle", 67: "dining table", 90: "toothbrush"}
    assert some.items() <= COCO_CLASSES.items()


def test_coco_as_it_is_read(folder: Path) -> None:
    splits = coco(folder)
    assert splits.unlabelled is not None
    assert (len(splits.train), len(splits.val), len(splits.unlabelled)) == (TRAIN, VAL, EXTRA)
    assert splits.train.category_ids == tuple(COCO_CLASSES)
    assert len(splits.train.trainable()) == TRAIN - 1  # as in train2017 some have nothing
    drawn = {label for index in range(TRAIN) for label in splits.train.classes_of(index)}
    assert len(drawn) > 5
    for index in range(TRAIN):
        splits.train.image(index)  # of the size that is stated
        assert splits.train.instances(index).masks.flatten(1).any(1).all()
    assert any("crowds" in note for note in splits.notes)


def test_coco_as_pycocotools_reads_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = COCO(str(folder / "coco" / "annotations" / "instances_train2017.json"))
    kinds = set()
    for annotation in api.dataset["annotations"]:
        mask = annotation["segmentation"]
        kinds.add("crowd" if annotation["iscrowd"] else len(mask))
        assert isinstance(mask, dict) == bool(annotation["iscrowd"])
        assert api.annToMask(annotation).sum() == annotation["area"] > 0
    assert kinds == {"crowd", 1, 2}


@pytest.mark.parametrize("masks", ["instance-ids", "polygons"])
def test_cityscapes_as_it_is_read(folder: Path, masks: str) -> None:
    splits = cityscapes(folder, extra=True, masks=masks)
    assert splits.unlabelled is not None
    assert (len(splits.train), len(splits.val), len(splits.unlabelled)) == (TRAIN, VAL, EXTRA)
    for images in (splits.train, splits.val):
        assert {c for i in range(len(images)) for c in images.classes_of(i)} == set(range(8))
        images.image(0)
    assert splits.unlabelled.image(0).shape == splits.train.image(0).shape
    assert any("groups" in note for note in splits.notes)
    assert any("caravans" in note for note in splits.notes)


def test_label_ids_agree_with_instance_ids(folder: Path) -> None:
    paths = sorted((folder / "cityscapes" / "gtFine").rglob("*_instanceIds.png"))
    assert len(paths) == TRAIN + VAL
    for path in paths:
        found, _ = cityscapes_ids.read_pixels(path)
        with Image.open(str(path).replace("instanceIds", "labelIds")) as image:
            labels = np.asarray(image)
        assert np.array_equal(labels, np.where(found < 1000, found, found // 1000))


def test_the_same_files_everywhere_and_only_once(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "deep" / "data"
    assert console(["data", "miniatures", str(other)]) == 0
    assert contents(other) == contents(folder)
    (other / "coco" / "mark").touch()
    write_miniatures(other)
    assert (other / "coco" / "mark").exists()
    assert [path.name for path in other.parent.iterdir()] == ["data"]


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(root: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(miniature, "write_cityscapes", full)
    assert console(["data", "miniatures", str(tmp_path / "data")]) == 2
    assert capsys.readouterr().err == f"gdsweep data: {tmp_path}/data: No space left on device\n"
    assert list((tmp_path / "data").iterdir()) == []


def test_annotations_are_plain_json(folder: Path) -> None:
    page = json.loads((folder / "coco/annotations/instances_val2017.json").read_text())
    assert page["images"][0]["file_name"] == "000000001001.jpg"
    assert len(page["categories"]) == 80
