"""Makes this folder's files: `python make.py FOLDER --out .`, from FOLDER's COCO files and images.

FOLDER holds `train.json`, `val.json`, `test.json` and `images/`. Images are cut without overlap,
from the upper left corner, into windows of 80 pixels; what is left over at the right and below is
not used. An object that a border cuts keeps the part inside a window if that has 16 pixels or more.
Windows without an object are left out. Of `train` and `val` as many windows as `WINDOWS` says are
drawn by a fixed seed; of `test` so many whole images, kept whole in `whole/` and cut in `test/`:
both hold the same objects. An image whose channels are equal is stored with one; nothing is lost.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as rle

SIDE = 80
"""Side of a window, in pixels."""
LEAST = 16
"""Pixels inside a window below which an object that its border cuts is dropped."""
WINDOWS = {"train": 1200, "val": 200}
"""Windows that are drawn, by image set."""
WHOLE = 60
"""Whole test images that are drawn."""
SEED = 0
"""Of the draws."""


def main() -> None:
    """Write the four image sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the COCO files and images that are cut")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    asked = parser.parse_args()
    for name, count in WINDOWS.items():
        write_drawn(asked.folder, asked.out, name, count)
    write_test(asked.folder, asked.out, WHOLE)


def write_drawn(folder: Path, out: Path, name: str, count: int) -> None:
    """Write `count` windows of an image set, or all where there are fewer."""
    content = read(folder, name)
    windows = [window for image in content["images"] for window in cut(content, image)]
    drawn = random.Random(SEED).sample(windows, min(count, len(windows)))
    write(folder, out, name, content, sorted(drawn, key=lambda window: window[0]["file_name"]))


def write_test(folder: Path, out: Path, count: int) -> None:
    """Write `count` whole test images, or all where there are fewer, and all their windows."""
    content = read(folder, "test")
    images = random.Random(SEED).sample(content["images"], min(count, len(content["images"])))
    images.sort(key=lambda image: image["file_name"])
    whole = [
        ({**image, "of": image["file_name"], "left": 0, "top": 0}, content["masks"][image["id"]])
        for image in images
    ]
    write(folder, out, "whole", content, whole)
    windows = [window for image in images for window in cut(content, image)]
    write(folder, out, "test", content, windows)


def read(folder: Path, name: str) -> dict[str, Any]:
    """A COCO file, with the encoded masks of each image's objects under `masks`."""
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    masks = defaultdict(list)
    for annotation in content["annotations"]:
        masks[annotation["image_id"]].append(annotation["segmentation"])
    return {**content, "masks": masks}


def cut(
    content: dict[str, Any], image: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The windows of an image that hold an object: each one's record and encoded masks."""
    masks = [rle.decode(mask) for mask in content["masks"][image["id"]]]
    stem = Path(image["file_name"]).stem
    for top in range(0, image["height"] - SIDE + 1, SIDE):
        for left in range(0, image["width"] - SIDE + 1, SIDE):
            parts = [mask[top : top + SIDE, left : left + SIDE] for mask in masks]
            kept = [np.asfortranarray(part) for part in parts if part.sum() >= LEAST]
            if kept:
                place = {"of": image["file_name"], "left": left, "top": top}
                name = {"file_name": f"{stem}-{left}-{top}.png", "height": SIDE, "width": SIDE}
                yield {**image, **name, **place}, [rle.encode(part) for part in kept]


def write(
    folder: Path,
    out: Path,
    name: str,
    content: dict[str, Any],
    images: list[tuple[dict[str, Any], list[Any]]],
) -> None:
    """Write `NAME.json` and the images of `NAME/`, ids counted from 1."""
    (out / name).mkdir(parents=True, exist_ok=True)
    records: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image, masks in images:
        number = len(records) + 1
        left, top = image.pop("left"), image.pop("top")
        right, bottom = left + image["width"], top + image["height"]
        picture = Image.open(folder / "images" / image["of"]).convert("RGB")
        save(picture.crop((left, top, right, bottom)), out / name / image["file_name"])
        records.append({**image, "id": number, "corner": [left, top]})
        for mask in masks:
            counts = mask["counts"] if isinstance(mask["counts"], str) else mask["counts"].decode()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": rle.toBbox(mask).tolist(),
                    "area": int(rle.area(mask)),
                    "segmentation": {"size": list(mask["size"]), "counts": counts},
                    "iscrowd": 0,
                }
            )
    page = {key: content[key] for key in ("info", "licenses", "categories")}
    page |= {"images": records, "annotations": annotations}
    (out / f"{name}.json").write_text(json.dumps(page, separators=(",", ":")) + "\n")


def save(picture: Image.Image, path: Path) -> None:
    """Save as PNG, with one channel where all three are equal."""
    red, green, blue = picture.split()
    grey = red.tobytes() == green.tobytes() == blue.tobytes()
    (red if grey else picture).save(path, optimize=True)


if __name__ == "__main__":
    main()
