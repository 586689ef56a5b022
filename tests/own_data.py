"""COCO annotation files written by hand: sizes and counts are what a test is about."""

import json
from pathlib import Path


def write_annotations(
    path: Path,
    images: int = 4,
    size: tuple[int, int] = (300, 400),
    objects: int = 3,
    side: int = 40,
) -> Path:
    """Images of one size, each with as many squares; the files of the images are not written."""
    height, width = size
    entries = [
        {"id": i, "file_name": f"{i}.png", "height": height, "width": width} for i in range(images)
    ]
    box = [5, 5, side, side]
    corners = [[5, 5, 5 + side, 5, 5 + side, 5 + side, 5, 5 + side]]
    annotations = [
        {"id": n, "image_id": n % images, "category_id": 1, "iscrowd": 0, "bbox": box,
         "area": side * side, "segmentation": corners}
        for n in range(images * objects)
    ]  # fmt: skip
    content = {
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "thing"}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


GRID = """\
title: Mine
axes: {dataset: [mine], labels: [10], method: [guided]}
datasets:
  mine:
    format: coco
    root: data
    train: {images: images, annotations: train.json}
    val: {images: images, annotations: val.json}
settings: {backbone: test_resnet%s}
table: {rows: [method], columns: [labels]}
"""
"""A grid that names data and a backbone only; further settings go where `%s` is."""
