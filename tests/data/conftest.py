import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gdsweep.config import CocoData, ImageSet

CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]


def rectangle(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def annotation(number: int, image_id: int, category: int = 3, **changes: Any) -> dict[str, Any]:
    shape = rectangle(4 + number, 5, 16 + number, 15)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category,
        "segmentation": [shape],
        "area": 120.0,
        "bbox": [4.0 + number, 5.0, 12.0, 10.0],
        "iscrowd": 0,
    } | changes


def small_content() -> dict[str, Any]:
    """Three images of 40 x 30 pixels, in no order, the last without annotations."""
    images = [
        {"id": number, "file_name": f"{number}.png", "height": 30, "width": 40}
        for number in (20, 10, 30)
    ]
    annotations = [annotation(1, 10), annotation(2, 10, 7), annotation(3, 20)]
    return {"images": images, "annotations": annotations, "categories": list(CATEGORIES)}


class SmallCoco:
    """A COCO data set on disk that a test may spoil before it is opened."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.content = {"train": small_content(), "val": small_content()}
        for name, content in self.content.items():
            (root / name).mkdir()
            for image in content["images"]:
                size = (image["height"], image["width"], 3)
                pixels = np.random.RandomState(image["id"]).randint(0, 256, size, dtype=np.uint8)
                Image.fromarray(pixels).save(root / name / image["file_name"])

    def settings(self, **changes: Any) -> CocoData:
        for name, content in self.content.items():
            if isinstance(content, str):
                (self.root / f"{name}.json").write_text(content)
            elif content is not None:
                (self.root / f"{name}.json").write_text(json.dumps(content))
        sets = {
            name: ImageSet(images=name, annotations=f"{name}.json") for name in ("train", "val")
        }
        return CocoData(**({"name": "small", "root": str(self.root)} | sets | changes))


@pytest.fixture
def small(tmp_path: Path) -> SmallCoco:
    return SmallCoco(tmp_path)


@pytest.fixture
def make_annotation() -> Callable[..., dict[str, Any]]:
    return annotation
