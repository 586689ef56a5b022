"""Data sets of detectron2's catalog, with a stand-in for detectron2 (the real: see the bridge)."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gdsweep.config import CocoData, ImageSet
from gdsweep.data import open_dataset
from gdsweep.data.catalog import coco_page
from gdsweep.errors import BadInput
from gdsweep.grid.catalog import catalog_dataset

CLASSES = ["disc", "cross"]


class Boxes:
    """`BoxMode`, as far as it is asked."""

    @staticmethod
    def convert(box: list[float], mode: int, wanted: int) -> list[float]:
        assert (mode, wanted) == (0, 1)  # from corners to width and height
        left, top, right, bottom = box
        return [left, top, right - left, bottom - top]


def records(folder: Path, count: int, classes: int) -> list[dict[str, Any]]:
    found = []
    for n in range(count):
        path = folder / f"{count}-{n}.png"
        Image.fromarray(np.full((40, 60, 3), 20 * n, np.uint8)).save(path)
        ring = np.array([10.0, 10.0, 30.0, 10.0, 30.0, 25.0, 10.0, 25.0])
        instance = {
            "bbox": [10, 10, 30, 25],
            "bbox_mode": 0,
            "category_id": n % classes,
            "segmentation": [ring],
        }
        record = {"file_name": str(path), "image_id": f"no-{n}", "height": 40, "width": 60}
        found.append({**record, "annotations": [instance]})
    return found


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put data sets into the catalog of a detectron2 that is not there."""
    sets: dict[str, list[dict[str, Any]]] = {}
    metadata = {"thing_classes": CLASSES, "thing_dataset_id_to_contiguous_id": {7: 0, 9: 1}}
    data, structures = ModuleType("detectron2.data"), ModuleType("detectron2.structures")
    data.DatasetCatalog = SimpleNamespace(list=lambda: list(sets), get=sets.__getitem__)  # type: ignore[attr-defined]
    data.MetadataCatalog = SimpleNamespace(  # type: ignore[attr-defined]
        get=lambda name: SimpleNamespace(as_dict=lambda: dict(metadata))
    )
    structures.BoxMode = Boxes  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "detectron2.data", data)
    monkeypatch.setitem(sys.modules, "detectron2.structures", structures)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def add(name: str, count: int) -> None:
        sets[name] = records(tmp_path, count, len(CLASSES))

    return add


def test_a_pair_of_the_catalog_is_read(register: Any) -> None:
    register("toys_train", 4)
    register("toys_val", 2)
    splits = open_dataset(catalog_dataset("detectron2:toys", "detectron2:toys"))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (4, 2, 2)
    assert splits.train.classes == tuple(CLASSES)
    assert splits.train.category_ids == (7, 9)
    assert splits.train.instances(1).labels.tolist() == [1]
    assert splits.train.instances(1).masks.sum() == 20 * 15
    assert splits.train.image(3)[0, 0, 0] == 60


def test_what_the_catalog_has_not_is_one_line(register: Any) -> None:
    register("toys_train", 4)
    with pytest.raises(BadInput, match="no such data set; it has toys_train") as error:
        open_dataset(catalog_dataset("detectron2:toys", "toys"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("metadata", [{}, {"thing_dataset_id_to_contiguous_id": {7: 0}}])
def test_an_instance_or_name_without_class_is_one_line(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    given = records(tmp_path, 2, 2)
    given[0]["annotations"][0]["category_id"] = 2
    with pytest.raises(BadInput, match=f"class {2 - len(metadata)} is not among the data set's 2"):
        coco_page(given, {"thing_classes": CLASSES, **metadata}, lambda box, mode: box)


def test_without_detectron2_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "detectron2.data", None)
    absent = ImageSet(images="", annotations="detectron2:x")
    with pytest.raises(BadInput, match=r"detectron2\.data cannot be imported .*docs/interop\.md"):
        open_dataset(CocoData(name="x", train=absent, val=absent))
