"""Microscope images that tests write: grey fields with bright rectangles, and their masks."""

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64
BOXES = ((4, 4, 12, 12), (20, 30, 34, 36), (40, 50, 48, 64))
"""Top, left, bottom and right of the objects of every image: 64, 84 and 112 pixels."""


def label_map(values: tuple[int, ...] = (7, 300, 9)) -> np.ndarray:
    """A value an object, uint16 [HEIGHT, WIDTH]."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint16)
    for value, (top, left, bottom, right) in zip(values, BOXES, strict=True):
        labels[top:bottom, left:right] = value
    return labels


def picture(seed: int) -> np.ndarray:
    """Twelve bits of 16, uint16 [HEIGHT, WIDTH]: noise, brighter on objects."""
    noise = np.random.RandomState(seed).randint(200, 800, (HEIGHT, WIDTH))
    return (noise + 3000 * (label_map() > 0)).astype(np.uint16)


def save(path: Path, pixels: np.ndarray, *more: np.ndarray) -> Path:
    """Write an image, or a stack of pages, its folder included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stack = {"save_all": True, "append_images": [Image.fromarray(p) for p in more]} if more else {}
    Image.fromarray(pixels).save(path, **stack)
    return path


def write_label_maps(folder: Path, count: int = 6) -> Path:
    """`images/NAME.tif` of 16 bits and `labels/NAME.png` of 16 bits."""
    for number in range(count):
        save(folder / f"images/well{number}.tif", picture(number))
        save(folder / f"labels/well{number}.png", label_map())
    return folder


def write_masks(folder: Path, count: int = 6) -> Path:
    """`NAME/images/NAME.png` of 8 bits, and `NAME/masks/` with a file an object."""
    for number in range(count):
        place = folder / f"well{number}"
        save(place / f"images/well{number}.png", (picture(number) >> 4).astype(np.uint8))
        for value in (7, 300, 9):
            save(place / f"masks/{value}.png", ((label_map() == value) * 255).astype(np.uint8))
    return folder
