"""The images that predictions were made on, with what is annotated and the names of classes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
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
    truth: tuple[tuple[int, np.ndarray], ...] = ()
    """What is annotated, crowds left out: category id, and mask, boolean [H, W]."""


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
    found = []
    for place in spaced(len(dataset), count):
        targets = dataset.instances(place)
        categories = [dataset.category_ids[label] for label in targets.labels.tolist()]
        truth = tuple(zip(categories, targets.masks.numpy(), strict=True))
        pixels = dataset.image(place).permute(1, 2, 0).numpy()
        found.append(ScoredImage(dataset.image_ids[place], pixels, truth))
    return found, dict(zip(dataset.category_ids, dataset.classes, strict=True))


def small_copies(
    path: Callable[[int], Path], ids: Sequence[int], truth: Sequence[dict[str, Any]]
) -> list[ScoredImage]:
    """Images that a run keeps, read from `path` of each id; `truth` are COCO results of their size.

    Raises BadInput where a file is gone or damaged.
    """
    from PIL import Image

    found = []
    for number in ids:
        masks = tuple(
            (known["category_id"], _mask(known["segmentation"], 0, 0))
            for known in truth
            if known["image_id"] == number
        )
        try:
            with Image.open(path(number)) as image:
                found.append(ScoredImage(number, np.asarray(image.convert("RGB")), masks))
        except OSError as error:
            said = f"{path(number)}: cannot be read ({error.strerror or error})"
            raise BadInput(f"{said}; no pictures of pseudo-labels") from None
    return found


def spaced(n: int, count: int) -> Sequence[int]:
    """`count` of n places (all where there are fewer), evenly spaced, the middle of each share."""
    count = min(n, count)
    return [(2 * k + 1) * n // (2 * count) for k in range(count)]


def _coco(data: CocoData, split: str, count: int) -> tuple[list[ScoredImage], dict[int, str]]:
    from gdsweep.config.intensity import opened, rgb

    images = data.test if split == "test" and data.test is not None else data.val
    assert images.annotations is not None, "a scored set has annotations"
    path = data.resolved(images.annotations)
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        entries = sorted(content["images"], key=lambda entry: entry["id"])
        names = {entry["id"]: entry["name"] for entry in content["categories"]}
        chosen = [entries[place] for place in spaced(len(entries), count)]
        truth: dict[int, list[dict[str, Any]]] = {entry["id"]: [] for entry in chosen}
        for annotation in content["annotations"]:
            if annotation["image_id"] in truth and not annotation.get("iscrowd"):
                truth[annotation["image_id"]].append(annotation)
        found = []
        for entry in chosen:
            name = entry["file_name"].replace("\\", "/")  # as `gdsweep.data` reads them
            path = data.resolved(images.images) / name
            with opened(path) as image:
                pixels = np.asarray(rgb(image, data.scaling))
            masks = tuple(
                (annotation["category_id"], mask)
                for annotation in truth[entry["id"]]
                if (mask := _mask(annotation["segmentation"], *pixels.shape[:2])).any()
            )
            found.append(ScoredImage(entry["id"], pixels, masks))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error}); no panels") from None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{path}: not COCO instances JSON; no panels") from None
    return found, names


def _mask(segmentation: Any, height: int, width: int) -> np.ndarray:
    """A mask, boolean [H, W], of COCO's polygons or run lengths."""
    from pycocotools import mask as rle

    if not segmentation:
        return np.zeros((height, width), bool)
    if isinstance(segmentation, list):
        encoded = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        encoded = rle.frPyObjects(segmentation, *segmentation["size"])
    else:
        encoded = segmentation
    return rle.decode(encoded).astype(bool)
