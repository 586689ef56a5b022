"""COCO 2017 and Cityscapes in miniature: their official layouts, a few small drawn scenes.

What `launch.py --smoke` trains on, so that the very readers, label splits and scores of the real
data sets are exercised. The same files wherever they are written.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from gdsweep.config import FORMATS, FileFormat
from gdsweep.data import cityscapes_ids, segmentation
from gdsweep.data.coco_classes import COCO_CLASSES

TRAIN, VAL, EXTRA = 10, 4, 4
"""Images of each set; of COCO's training images the last has no annotation."""

Points = list[tuple[int, int]]
"""Corners of a polygon, x and y in pixels."""


def write_miniatures(folder: Path) -> None:
    """Write each format that is read from files to `folder/<format>`; each is whole or not there.

    Nothing is done for a format that is there already. Raises OSError.
    """
    for name, model in FORMATS.items():
        if issubclass(model, FileFormat) and not (folder / name).exists():
            _write(resolve_name(model.miniature_writer), folder / name)


def _write(writer: Callable[[Path], None], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        writer(draft / folder.name)
        os.rename(draft / folder.name, folder)
    except OSError:
        if not folder.exists():  # else another launch was quicker; its files are the same
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


# ---- COCO --------------------------------------------------------------------------------------


def write_coco(root: Path) -> None:
    """COCO 2017's layout: train2017, val2017, unlabeled2017 and `annotations/instances_*.json`.

    All 80 categories by their own ids, every ninth of which is drawn. Masks are polygons, one
    object in four of two, and every third image has a crowd, an uncompressed RLE, as in COCO.
    """
    (root / "annotations").mkdir(parents=True)
    counts = {"train2017": TRAIN, "val2017": VAL, "unlabeled2017": EXTRA}
    for split, (name, count) in enumerate(counts.items()):
        (root / name).mkdir()
        content: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": number, "name": word} for number, word in COCO_CLASSES.items()],
        }
        for index in range(count):
            bare = name == "train2017" and index == count - 1
            _coco_image(root / name, split, index, content, bare)
        if name != "unlabeled2017":
            path = root / "annotations" / f"instances_{name}.json"
            path.write_text(json.dumps(content))


def _coco_image(folder: Path, split: int, index: int, content: dict[str, Any], bare: bool) -> None:
    categories = list(COCO_CLASSES)[::9]
    rng = np.random.RandomState([20, 17, split, index])
    width, height = ((96, 64), (64, 96), (80, 72))[index % 3]
    image = _background(rng, width, height)
    number = 1 + len(content["images"]) + 1000 * split
    file_name = f"{number:012d}.jpg"
    shape = {"height": height, "width": width}
    content["images"].append({"id": number, "file_name": file_name, **shape})
    for place in range(0 if bare else 3):
        parts = [_blob(rng, width, height)]
        if place == index % 4:
            parts.append(_blob(rng, width, height))
        for part in parts:
            _paint(image, part, rng)
        mask: Any = [[float(value) for point in part for value in point] for part in parts]
        crowd = place == 0 and index % 3 == 0
        if crowd:
            mask = _uncompressed(mask, height, width)
        content["annotations"].append(
            {
                "id": len(content["annotations"]) + 1 + 100_000 * split,
                "image_id": number,
                "category_id": categories[int(rng.randint(len(categories)))],
                "segmentation": mask,
                "area": segmentation.area(mask, height, width),
                "bbox": segmentation.box(mask, height, width),
                "iscrowd": int(crowd),
            }
        )
    image.save(folder / file_name, quality=90)


def _uncompressed(polygons: list[list[float]], height: int, width: int) -> dict[str, Any]:
    # run lengths down the columns, background first, as COCO's files have their crowds
    (mask,) = segmentation.EncodedInstances(torch.zeros(1), [polygons], height, width).masks
    pixels = mask.numpy().ravel(order="F")
    ends = np.flatnonzero(np.diff(pixels)) + 1
    runs = np.diff([0, *ends, pixels.size]).tolist()
    return {"size": [height, width], "counts": [0, *runs] if pixels[0] else runs}


# ---- Cityscapes --------------------------------------------------------------------------------

_CITIES = {"train": ("aachen", "bochum"), "val": ("frankfurt",), "train_extra": ("erlangen",)}


def write_cityscapes(root: Path) -> None:
    """Cityscapes' layout: leftImg8bit with train_extra, and gtFine for train and val.

    Frames of 64 x 128 pixels hold every class that is scored, a group, and what is not scored.
    """
    counts = {"train": TRAIN, "val": VAL, "train_extra": EXTRA}
    for place, (split, cities) in enumerate(_CITIES.items()):
        for index in range(counts[split]):
            rng = np.random.RandomState([2048, place, index])
            city = cities[index % len(cities)]
            _frame(root, split, city, index, _street(rng, index), rng)


def _frame(
    root: Path,
    split: str,
    city: str,
    number: int,
    objects: Sequence[tuple[str, Points]],
    rng: np.random.RandomState,
) -> None:
    height, width = 64, 128
    stem = f"{city}_{number:06d}_000019"
    folder = root / "leftImg8bit" / split / city
    folder.mkdir(parents=True, exist_ok=True)
    image = _background(rng, width, height)
    for _, points in objects:
        _paint(image, points, rng)
    image.save(folder / f"{stem}_leftImg8bit.png")
    if split == "train_extra":
        return
    folder = root / "gtFine" / split / city
    folder.mkdir(parents=True, exist_ok=True)
    page = {
        "imgHeight": height,
        "imgWidth": width,
        "objects": [{"label": label, "polygon": points} for label, points in objects],
    }
    polygons = folder / f"{stem}_gtFine_polygons.json"
    polygons.write_text(json.dumps(page))
    found, _ = cityscapes_ids.read_polygons(polygons)
    Image.fromarray(found.astype(np.uint16)).save(folder / f"{stem}_gtFine_instanceIds.png")
    classes = np.where(found >= 1000, found // 1000, found).astype(np.uint8)
    Image.fromarray(classes).save(folder / f"{stem}_gtFine_labelIds.png")


def _street(rng: np.random.RandomState, index: int) -> list[tuple[str, Points]]:
    scene: list[tuple[str, Points]] = [
        ("road", [(0, 20), (127, 20), (127, 63), (0, 63)]),
        ("sky", [(0, 0), (127, 0), (127, 19), (0, 19)]),
        ("cargroup", _blob(rng, 128, 64)),
        ("caravan", _blob(rng, 128, 64)),
    ]
    names = list(cityscapes_ids.CLASSES.values())
    for place in range(4):
        scene.append((names[(4 * index + place) % len(names)], _blob(rng, 128, 64)))
    return [*scene, ("out of roi", [(0, 61), (127, 61), (127, 63), (0, 63)])]


# ---- drawing -----------------------------------------------------------------------------------


def _background(rng: np.random.RandomState, width: int, height: int) -> Image.Image:
    pixels = rng.randint(0, 60, (height, width, 3)) + rng.randint(0, 120, 3)
    return Image.fromarray(pixels.astype(np.uint8))


def _blob(rng: np.random.RandomState, width: int, height: int) -> Points:
    """An octagon of some 12 to 30 pixels, wholly inside the image, no two alike."""
    radius = rng.randint(6, 16, 8)
    x, y = rng.randint(16, width - 16), rng.randint(16, height - 16)
    angles = np.arange(8) * np.pi / 4
    xs = np.rint(x + radius * np.cos(angles)).astype(int).tolist()
    ys = np.rint(y + radius * np.sin(angles)).astype(int).tolist()
    return list(zip(xs, ys, strict=True))


def _paint(image: Image.Image, points: Points, rng: np.random.RandomState) -> None:
    red, green, blue = rng.randint(60, 256, 3).tolist()
    ImageDraw.Draw(image).polygon(points, fill=(red, green, blue))
