"""The images that predictions were made on, with the names of their classes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdsweep.config import CocoData, DataSettings
from gdsweep.errors import BadInput


@dataclass(frozen=True)
class ScoredImage:
    """One image."""

    id: int
    """COCO image id."""
    pixels: np.ndarray
    """RGB, uint8 [H, W, 3]."""


def scored_images(
    data: DataSettings, split: str, count: int
) -> tuple[list[ScoredImage], dict[int, str]]:
    """`count` images, evenly spaced over the split in the order of their ids: nobody chose them.

    Returns them with the classes' names by category id. Raises BadInput where the data set cannot
    be read. COCO's are read with Pillow; other data sets are opened by gdsweep.data, with torch.
    """
    if isinstance(data, CocoData):
        return _coco(data, split, count)
    from gdsweep.data import open_dataset  # torch: only where panels are drawn

    splits = open_dataset(data)
    dataset = splits.val if split == "val" else splits.test
    found = [
        ScoredImage(dataset.image_ids[i], dataset.image(i).permute(1, 2, 0).numpy())
        for i in spaced(len(dataset), count)
    ]
    return found, dict(zip(dataset.category_ids, dataset.classes, strict=True))


def spaced(n: int, count: int) -> Sequence[int]:
    """`count` of n places (all where there are fewer), evenly spaced, the middle of each share."""
    count = min(n, count)
    return [(2 * k + 1) * n // (2 * count) for k in range(count)]


def _coco(data: CocoData, split: str, count: int) -> tuple[list[ScoredImage], dict[int, str]]:
    from PIL import Image, ImageOps

    images = data.test if split == "test" and data.test is not None else data.val
    assert images.annotations is not None, "a scored set has annotations"
    path = data.resolved(images.annotations)
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        entries = sorted(content["images"], key=lambda entry: entry["id"])
        names = {entry["id"]: entry["name"] for entry in content["categories"]}
        found = []
        for place in spaced(len(entries), count):
            name = entries[place]["file_name"].replace("\\", "/")  # as `gdsweep.data` reads them
            path = data.resolved(images.images) / name
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
                found.append(ScoredImage(entries[place]["id"], np.asarray(upright)))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error}); no panels") from None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{path}: not COCO instances JSON; no panels") from None
    return found, names
