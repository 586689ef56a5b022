"""Which images are shown, and that COCO's need no torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gdsweep.config import CocoData, ImageSet, ShapesData
from gdsweep.errors import BadInput
from gdsweep.plots.scored_images import scored_images, spaced


@pytest.fixture
def coco(tmp_path: Path) -> CocoData:
    """Five grey images, whose ids are not in the file's order."""
    entries = []
    for number in (5, 3, 1, 2, 4):
        Image.new("L", (6, 4), number).save(tmp_path / f"{number}.png")
        entries.append({"id": number, "file_name": f"{number}.png", "width": 6, "height": 4})
    square = [1, 1, 4, 1, 4, 3, 1, 3]
    annotations = [
        {"image_id": 2, "category_id": 7, "iscrowd": 0, "segmentation": [square]},
        {"image_id": 4, "category_id": 7, "segmentation": {"size": [4, 6], "counts": [0, 8, 16]}},
        {"image_id": 4, "category_id": 7, "iscrowd": 1, "segmentation": [square]},
        {"image_id": 5, "category_id": 7, "segmentation": []},
    ]
    categories = [{"id": 7, "name": "disc"}]
    content = {"images": entries, "annotations": annotations, "categories": categories}
    (tmp_path / "a.json").write_text(json.dumps(content))
    images = ImageSet(images=".", annotations="a.json")
    return CocoData(name="tiny", root=str(tmp_path), train=images, val=images)


def test_places_are_evenly_spaced() -> None:
    assert list(spaced(100, 4)) == [12, 37, 62, 87]
    assert list(spaced(3, 8)) == [0, 1, 2]
    assert list(spaced(5, 1)) == [2]


def test_coco_images_by_their_ids(coco: CocoData) -> None:
    found, classes = scored_images(coco, "test", 2)
    assert [image.id for image in found] == [2, 4]
    assert found[0].pixels.shape == (4, 6, 3)
    np.testing.assert_array_equal(found[1].pixels, 4)
    assert classes == {7: "disc"}
    (square,), (columns,) = found[0].truth, found[1].truth  # without the crowd
    assert (square[0], int(square[1].sum())) == (7, 6)
    assert columns[1][:, :2].all()
    assert columns[1].sum() == 8


def test_generated_images() -> None:
    found, classes = scored_images(ShapesData(name="shapes", test=4, train=1, val=1), "test", 2)
    assert [image.id for image in found] == [2, 4]
    assert found[0].pixels.shape == (64, 64, 3)
    assert found[0].pixels.dtype == np.uint8
    assert {category for category, _ in found[0].truth} <= set(classes)
    assert all(mask.shape == (64, 64) and mask.any() for _, mask in found[0].truth)
    assert classes[1] == "disc"


@pytest.mark.parametrize("name", ["3.png", "a.json"])
def test_what_is_gone_is_one_line(coco: CocoData, tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink()
    with pytest.raises(BadInput, match=f"{name}: cannot be read") as error:
        scored_images(coco, "test", 5)
    assert "\n" not in str(error.value)


def test_damaged_annotations_are_one_line(coco: CocoData, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(BadInput, match=r"a\.json: not COCO instances JSON"):
        scored_images(coco, "test", 5)


def test_coco_panels_never_import_torch(coco: Any, root: Path) -> None:
    script = (
        "import sys\nfrom gdsweep.config import CocoData\nfrom plots import qualitative\n"
        "from gdsweep.plots.scored_images import scored_images\n"
        f"data = CocoData.model_validate({coco.model_dump()!r})\n"
        "images, classes = scored_images(data, 'test', 2)\n"
        "qualitative.draw(images, [('A', [])], classes)\nassert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0, done.stderr
