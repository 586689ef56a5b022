"""A data set in Cityscapes' official layout, of a few rectangles, for tests to read or to spoil."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (60, 120)
IDS = {"person": 24, "rider": 25, "car": 26, "truck": 27, "bus": 28, "caravan": 29, "trailer": 30}
IDS |= {"train": 31, "motorcycle": 32, "bicycle": 33, "road": 7, "sky": 23, "out of roi": 3}

Rectangle = tuple[str, int, int, int, int]
"""Label, left, top, right, bottom; the last two are inside."""

SCENE: list[Rectangle] = [
    ("road", 0, 0, 119, 59),
    ("sky", 0, 0, 119, 9),
    ("car", 10, 20, 39, 39),
    ("person", 30, 15, 44, 49),  # in front of the car
    ("cargroup", 60, 20, 89, 34),
    ("car", 80, 30, 99, 44),  # in front of the group
    ("caravan", 100, 10, 117, 25),
    ("license plate", 15, 30, 20, 32),  # never drawn
    ("out of roi", 0, 55, 119, 59),
]


def frame(root: Path, split: str, city: str, number: int, scene: list[Rectangle]) -> np.ndarray:
    """Write one frame with its annotations, and return its instance map."""
    stem = f"{city}_{number:06}_000019"
    for part in ("leftImg8bit", "gtFine"):
        (root / part / split / city).mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(number).randint(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png")
    found = np.zeros(SIZE, np.uint16)
    counts: dict[str, int] = {}
    for label, left, top, right, bottom in scene:
        if label == "license plate":
            continue
        value = IDS[label.removesuffix("group")]
        if value >= 24 and not label.endswith("group"):
            counts[label] = counts.get(label, -1) + 1
            value = value * 1000 + counts[label]
        found[top : bottom + 1, left : right + 1] = value
    folder = root / "gtFine" / split / city
    Image.fromarray(found).save(folder / f"{stem}_gtFine_instanceIds.png")
    page = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": [polygon(*r) for r in scene]}
    (folder / f"{stem}_gtFine_polygons.json").write_text(json.dumps(page))
    return found


def polygon(label: str, left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    """A rectangle as Cityscapes writes it."""
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {"label": label, "polygon": corners}


def streets(root: Path, extra: int = 0) -> Path:
    """Three training frames in two cities, the last without an instance; two to be scored on."""
    frame(root, "train", "aachen", 1, SCENE)
    frame(root, "train", "aachen", 0, SCENE[:4])
    frame(root, "train", "bochum", 0, SCENE[:2])
    frame(root, "val", "munster", 0, SCENE)
    frame(
        root, "val", "munster", 1, [*SCENE[:2], ("train", 5, 15, 60, 50), ("bus", 70, 15, 90, 40)]
    )
    folder = root / "leftImg8bit" / "train_extra" / "erlangen"
    for number in range(extra):
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.full((*SIZE, 3), 50 * number, np.uint8))
        image.save(folder / f"erlangen_000000_{number:06}_leftImg8bit.png")
    return root
