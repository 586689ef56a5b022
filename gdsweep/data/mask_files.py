"""The pixels and objects of microscope images: pages, masks of one object, and label maps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from gdsweep.config import Scaling
from gdsweep.config.intensity import (
    colour_fault,
    deep_pixels,
    eight_bits,
    full_pages,
    is_deep,
    opened,
)
from gdsweep.data.image_file import fault_reason
from gdsweep.data.mask_layouts import Source
from gdsweep.errors import BadInput

Pages = int | Literal["max", "each"] | None
"""What becomes of a stack: one page (from 1), the highest value of all pages, each page an image of
its own, or nothing: it is refused."""


@dataclass(frozen=True)
class ObjectMask:
    """The mask of one object within its bounding box."""

    top: int
    """First row of the box."""
    left: int
    """First column of the box."""
    mask: np.ndarray
    """Boolean [h, w]; no row or column of the border is empty."""


@dataclass(frozen=True)
class Plane:
    """One image as it is looked at: a file, a page of it, or a projection."""

    page: int | None
    """The page, from 1, where each is an image of its own."""
    pixels: np.ndarray
    """Grey [H, W] of any type, or RGB uint8 [H, W, 3]."""
    objects: list[ObjectMask]
    """The objects, in the order of values or files."""
    without_pixels: int
    """Masks that are black."""

    @property
    def deep(self) -> bool:
        """Whether the pixels have more than 8 bits."""
        return self.pixels.dtype != np.uint8


def read_planes(source: Source, pages: Pages, scaling: Scaling) -> Iterator[Plane]:
    """The images that a source holds, with their objects.

    Raises:
        BadInput: a file that cannot be read, a mask of another size than its image, values that are
            no labels, or a stack that `pages` does not settle.
    """
    count = _count(source.image)
    for group in _groups(source.image, count, pages):
        pixels = _projection(source.image, group, scaling)
        size = (pixels.shape[0], pixels.shape[1])
        if source.label_map:
            page = _label_page(source, count, group, pages)
            objects, without = labelled(_values(source.masks[0], page, size)), 0
        else:
            if pages == "each" and count > 1:
                raise BadInput(
                    f"{source.image}: a stack of {count} pages with one mask an object; "
                    "--pages each goes with label maps of as many pages"
                )
            found = [_single(_values(path, 0, size)) for path in source.masks]
            objects = [one for one in found if one is not None]
            without = len(found) - len(objects)
        yield Plane(
            group[0] + 1 if pages == "each" and count > 1 else None, pixels, objects, without
        )


def scaled(plane: Plane, scaling: Scaling, path: Path) -> np.ndarray:
    """The pixels of a plane as uint8, [H, W] or [H, W, 3]. Raises BadInput, see `eight_bits`."""
    if not plane.deep:
        return plane.pixels
    try:
        return eight_bits(plane.pixels, scaling)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None


def _groups(path: Path, count: int, pages: Pages) -> list[list[int]]:
    """The pages that each image is made of."""
    if count == 1:
        return [[0]]
    if pages is None:
        raise BadInput(
            f"{path}: a stack of {count} pages; say with --pages which to take: a number, max for "
            "the highest value of all, or each for an image a page"
        )
    if pages == "max":
        return [list(range(count))]
    if pages == "each":
        return [[number] for number in range(count)]
    if not 1 <= pages <= count:
        raise BadInput(f"{path}: no page {pages} in a stack of {count}")
    return [[pages - 1]]


def _label_page(source: Source, count: int, group: Sequence[int], pages: Pages) -> int:
    """The page of the label map that belongs to these pages of its image."""
    maps = _count(source.masks[0])
    if maps == 1 and (count == 1 or pages != "each"):
        return 0
    if maps == count and pages != "max":
        return group[0]
    raise BadInput(
        f"{source.masks[0]}: {maps} pages for an image of {count}; valid are as many pages, or one "
        "for a single page or a projection"
    )


def _projection(path: Path, group: Sequence[int], scaling: Scaling) -> np.ndarray:
    highest: np.ndarray | None = None
    for number in group:
        page = _page(path, number, scaling)
        if highest is not None and highest.shape != page.shape:
            raise BadInput(f"{path}: pages of different sizes have no common highest values")
        highest = page if highest is None else np.maximum(highest, page)
    assert highest is not None, "a group has a page"
    return highest


def _count(path: Path) -> int:
    try:
        with opened(path) as image:
            return len(full_pages(image))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet
        raise BadInput(f"{path}: not a readable image: {fault_reason(path, error)}") from None


def _page(path: Path, number: int, scaling: Scaling | None) -> np.ndarray:
    """One page, grey [H, W] or RGB [H, W, 3]; of a palette its numbers where `scaling` is None."""
    try:
        with opened(path) as image:
            image.seek(full_pages(image)[number])
            fault = None if scaling == "full" else colour_fault(image)
            if fault is not None:
                raise ValueError(fault)
            if is_deep(image):
                return deep_pixels(image)
            turned = ImageOps.exif_transpose(image)
            return np.asarray(turned.convert(_mode(turned, palette=scaling is None)))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet
        raise BadInput(f"{path}: not a readable image: {fault_reason(path, error)}") from None


def _mode(image: Image.Image, *, palette: bool) -> str:
    if image.mode == "P" and palette:
        return "P"
    return "L" if image.mode in ("1", "L", "LA") else "RGB"


def _values(path: Path, page: int, size: tuple[int, int]) -> np.ndarray:
    """A mask or label map as whole numbers [H, W]; colours become one number each."""
    pixels = _page(path, page, None)
    if pixels.shape[:2] != size:
        raise BadInput(
            f"{path}: {pixels.shape[0]} pixels high and {pixels.shape[1]} wide, its image "
            f"{size[0]} and {size[1]}"
        )
    if pixels.ndim == 3:
        return pixels.astype(np.int64) @ np.array([1, 1 << 8, 1 << 16])
    if pixels.dtype.kind == "f" and not (pixels == np.floor(pixels)).all():
        raise BadInput(f"{path}: values that are not whole; a whole number is an object")
    if pixels.size and pixels.min() < 0:
        raise BadInput(f"{path}: negative values; 0 is the background, above it objects")
    return pixels.astype(np.int64)


def _single(values: np.ndarray) -> ObjectMask | None:
    """The one object that all pixels but zeros are; None where there is none."""
    found = labelled(values != 0)
    return found[0] if found else None


def labelled(values: np.ndarray) -> list[ObjectMask]:
    """The objects of a label map [H, W], one for each value but 0, in the order of values."""
    numbers, places = np.unique(values, return_inverse=True)
    # find_objects takes memory by the highest value: values are counted through first
    consecutive = places.reshape(values.shape).astype(np.int32) + int(numbers[0] != 0)
    boxes = ndimage.find_objects(consecutive)
    return [
        ObjectMask(box[0].start, box[1].start, consecutive[box] == label)
        for label, box in enumerate(boxes, start=1)
    ]
