"""One small data set as five labelling tools export it, each with its own habits.

Objects are cats and dogs on photographs of 64 x 48 pixels. Tools differ in where ids begin, what
categories there are beside the classes, where the files lie, and how a mask is written.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as rle

WIDTH, HEIGHT = 64, 48
CLASSES = ("cat", "dog")
COUNTS = {"train": 4, "valid": 2}

Polygon = list[float]
Objects = list[tuple[int, list[Polygon]]]
"""Class and polygons of each object of an image."""


def objects(split: str, index: int) -> Objects:
    """Two objects of an image; the second is in two pieces on every other image."""
    rng = np.random.RandomState([len(split), index])
    found: Objects = []
    for place in range(2):
        pieces = 2 if place and index % 2 else 1
        polygons = []
        for piece in range(pieces):
            left, top = rng.randint(2, 14) + 30 * place, rng.randint(2, 8) + 22 * piece
            right, bottom = left + rng.randint(8, 16), top + rng.randint(8, 14)
            polygons.append(
                [left, top, right + 0.5, top + 1.25, right, bottom, left - 0.5, bottom - 1]
            )
        found.append(((index + place) % 2, [[float(v) for v in p] for p in polygons]))
    return found


def photograph(path: Path, split: str, index: int) -> None:
    """Write the picture of an image's objects; its suffix says the format."""
    rng = np.random.RandomState([9, len(split), index])
    image = Image.fromarray(rng.randint(0, 90, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    for label, polygons in objects(split, index):
        for polygon in polygons:
            ImageDraw.Draw(image).polygon(polygon, fill=((220, 60, 40), (40, 90, 220))[label])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _mask(polygons: list[Polygon]) -> Any:
    return rle.merge(rle.frPyObjects(polygons, HEIGHT, WIDTH))


def _box(polygons: list[Polygon]) -> list[float]:
    across = [v for p in polygons for v in p[::2]]
    down = [v for p in polygons for v in p[1::2]]
    return [min(across), min(down), max(across) - min(across), max(down) - min(down)]


def _dump(path: Path, page: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(page))


def labelme(root: Path) -> dict[str, Any]:
    """labelme's converter: ids from 0, `_background_` among the classes, JPEGs in a folder."""
    for split, count in COUNTS.items():
        images, annotations = [], []
        for index in range(count):
            name = f"JPEGImages/{split}_{index}.jpg"
            photograph(root / split / name, split, index)
            images.append(
                {
                    "license": 0,
                    "url": None,
                    "file_name": name,
                    "height": HEIGHT,
                    "width": WIDTH,
                    "date_captured": None,
                    "id": index,
                }
            )
            for label, polygons in objects(split, index):
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": index,
                        "category_id": label + 1,
                        "segmentation": polygons,
                        "area": float(rle.area(_mask(polygons))),
                        "bbox": rle.toBbox(_mask(polygons)).tolist(),
                        "iscrowd": 0,
                    }
                )
        names = ("_background_", *CLASSES)
        page = {
            "info": {"description": None, "url": None, "version": None, "year": 2026},
            "licenses": [{"url": None, "id": 0, "name": None}],
            "images": images,
            "type": "instances",
            "annotations": annotations,
            "categories": [
                {"supercategory": None, "id": number, "name": name}
                for number, name in enumerate(names)
            ],
        }
        _dump(root / split / "annotations.json", page)
    return {
        name: {"images": split, "annotations": f"{split}/annotations.json"}
        for name, split in (("train", "train"), ("val", "valid"))
    }


def cvat(root: Path) -> dict[str, Any]:
    """CVAT's COCO 1.0: ids from 1, attributes; what a brush painted is an RLE, and a crowd."""
    for split, count in COUNTS.items():
        images, annotations = [], []
        for index in range(count):
            photograph(root / "images" / split / f"frame_{index:06d}.PNG", split, index)
            images.append(
                {
                    "id": index + 1,
                    "width": WIDTH,
                    "height": HEIGHT,
                    "file_name": f"frame_{index:06d}.PNG",
                    "license": 0,
                    "flickr_url": "",
                    "coco_url": "",
                    "date_captured": 0,
                }
            )
            for label, polygons in objects(split, index):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": index + 1,
                        "category_id": label + 1,
                        "segmentation": polygons,
                        "area": float(rle.area(_mask(polygons))),
                        "bbox": _box(polygons),
                        "iscrowd": 0,
                        "attributes": {"occluded": False},
                    }
                )
        brush = np.zeros((HEIGHT, WIDTH), np.uint8)
        brush[HEIGHT - 4 :, :9] = 1
        edges = np.flatnonzero(np.diff(brush.ravel(order="F"))) + 1
        runs = np.diff([0, *edges, brush.size]).tolist()
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": 1,
                "category_id": 1,
                "segmentation": {"counts": runs, "size": [HEIGHT, WIDTH]},
                "area": 36.0,
                "bbox": [0.0, HEIGHT - 4.0, 9.0, 4.0],
                "iscrowd": 1,
                "attributes": {"occluded": False},
            }
        )
        page = {
            "licenses": [{"name": "", "id": 0, "url": ""}],
            "info": {"contributor": "", "date_created": "", "description": "", "version": ""},
            "categories": [
                {"id": label + 1, "name": name, "supercategory": ""}
                for label, name in enumerate(CLASSES)
            ],
            "images": images,
            "annotations": annotations,
        }
        _dump(root / "annotations" / f"instances_{split}.json", page)
    return {
        name: {"images": f"images/{split}", "annotations": f"annotations/instances_{split}.json"}
        for name, split in (("train", "train"), ("val", "valid"))
    }


def label_studio(root: Path) -> dict[str, Any]:
    """Label Studio: everything from 0, no supercategory, hashed names, Windows' backslashes."""
    for split, count in COUNTS.items():
        images, annotations = [], []
        for index in range(count):
            name = f"{index:08x}-{split}_{index}.png"
            photograph(root / split / "images" / name, split, index)
            images.append(
                {"width": WIDTH, "height": HEIGHT, "id": index, "file_name": f"images\\{name}"}
            )
            for label, polygons in objects(split, index):
                box = _box(polygons)
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": index,
                        "category_id": label,
                        "segmentation": polygons,
                        "bbox": box,
                        "ignore": 0,
                        "iscrowd": 0,
                        "area": box[2] * box[3],
                    }
                )
        page = {
            "images": images,
            "categories": [{"id": label, "name": name} for label, name in enumerate(CLASSES)],
            "annotations": annotations,
            "info": {"year": 2026, "version": "1.0", "contributor": "Label Studio"},
        }
        _dump(root / split / "result.json", page)
    return {
        name: {"images": split, "annotations": f"{split}/result.json"}
        for name, split in (("train", "train"), ("val", "valid"))
    }


def roboflow(root: Path) -> dict[str, Any]:
    """Roboflow: annotations beside the images, ids from 0, a root category nobody uses."""
    for split, count in COUNTS.items():
        images, annotations = [], []
        for index in range(count):
            name = f"{split}_{index}_jpg.rf.{index:032x}.jpg"
            photograph(root / split / name, split, index)
            images.append(
                {
                    "id": index,
                    "license": 1,
                    "file_name": name,
                    "height": HEIGHT,
                    "width": WIDTH,
                    "date_captured": "2026-01-01T00:00:00+00:00",
                    "extra": {"name": f"{split}_{index}.jpg"},
                }
            )
            for label, polygons in objects(split, index):
                box = _box(polygons)
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": index,
                        "category_id": label + 1,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "segmentation": polygons,
                        "iscrowd": 0,
                    }
                )
        page = {
            "info": {"year": "2026", "version": "1", "contributor": ""},
            "licenses": [{"id": 1, "url": "", "name": "CC BY 4.0"}],
            "categories": [
                {"id": 0, "name": "pets-k2x9", "supercategory": "none"},
                *(
                    {"id": label + 1, "name": name, "supercategory": "pets-k2x9"}
                    for label, name in enumerate(CLASSES)
                ),
            ],
            "images": images,
            "annotations": annotations,
        }
        _dump(root / split / "_annotations.coco.json", page)
    return {
        name: {"images": split, "annotations": f"{split}/_annotations.coco.json"}
        for name, split in (("train", "train"), ("val", "valid"))
    }


def sahi(root: Path) -> dict[str, Any]:
    """SAHI's slices: windows of a larger photograph, whole numbers, slices without an object."""
    for split, count in COUNTS.items():
        images, annotations = [], []
        for index in range(count + 1):
            left = WIDTH * index
            name = f"scene_{left}_0_{left + WIDTH}_{HEIGHT}.png"
            photograph(root / split / name, split, index)
            images.append({"height": HEIGHT, "width": WIDTH, "id": index + 1, "file_name": name})
            for label, polygons in objects(split, index) if index < count else ():
                whole = [[int(v) for v in polygon] for polygon in polygons]
                annotations.append(
                    {
                        "iscrowd": 0,
                        "image_id": index + 1,
                        "bbox": [int(v) for v in _box(polygons)],
                        "segmentation": whole,
                        "category_id": label,
                        "id": len(annotations) + 1,
                        "area": int(rle.area(_mask(polygons))),
                    }
                )
        page = {
            "images": images,
            "annotations": annotations,
            "categories": [
                {"id": label, "name": name, "supercategory": name}
                for label, name in enumerate(CLASSES)
            ],
        }
        _dump(root / f"{split}_coco.json", page)
    return {
        name: {"images": split, "annotations": f"{split}_coco.json"}
        for name, split in (("train", "train"), ("val", "valid"))
    }


TOOLS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "labelme": labelme,
    "CVAT": cvat,
    "Label Studio": label_studio,
    "Roboflow": roboflow,
    "SAHI": sahi,
}
"""Each writes its export to a folder and returns the image sets as a grid names them."""
