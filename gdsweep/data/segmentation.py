"""Segmentations as COCO writes them: polygons, uncompressed RLE, compressed RLE."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pycocotools import mask as rle
from torch import Tensor

FARTHEST = 1e5  # pixels; pycocotools crashes on coordinates far beyond an image


def usable(segmentation: Any, height: int, width: int) -> Any:
    """A segmentation with what no tool can draw left out; None if nothing remains.

    Polygons of fewer than three points, or of an odd number of coordinates, are left out. The
    numbers of an RLE may be written as 40.0.

    Raises:
        ValueError: it cannot be meant: not a segmentation at all, an RLE that does not cover its
            image exactly, points in pairs, a coordinate that is no number or beyond 100,000 pixels.
    """
    if isinstance(segmentation, dict):
        return _usable_rle(segmentation, height, width)
    if not isinstance(segmentation, list) or not all(isinstance(p, list) for p in segmentation):
        raise ValueError("its segmentation is neither a list of polygons nor an RLE")
    if _in_pairs(segmentation):
        raise ValueError(
            "the points of its polygon are in pairs; COCO's are flat: [[x1, y1, x2, y2, ...]]"
        )
    polygons = [p for p in segmentation if len(p) >= 6 and len(p) % 2 == 0]
    for polygon in polygons:
        try:
            # a sum is not finite if any summand is not
            far = max(polygon) > FARTHEST or min(polygon) < -FARTHEST
            wrong = far or not math.isfinite(sum(polygon))
        except TypeError:
            wrong = True
        if wrong:
            raise ValueError("a coordinate of its polygon is no number or far outside its image")
    return polygons or None


def _in_pairs(segmentation: list[list[Any]]) -> bool:
    if any(polygon and isinstance(polygon[0], list) for polygon in segmentation):
        return True
    return len(segmentation) > 2 and all(len(polygon) == 2 for polygon in segmentation)


def extent(polygons: list[list[float]]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of some polygons, in pixels, wherever the image ends."""
    if len(polygons) == 1:
        across, down = polygons[0][::2], polygons[0][1::2]
    else:
        across = [x for polygon in polygons for x in polygon[::2]]
        down = [y for polygon in polygons for y in polygon[1::2]]
    return min(across), min(down), max(across), max(down)


def encode(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """A usable segmentation as one compressed RLE of its image's size."""
    if isinstance(segmentation, dict):
        if isinstance(segmentation["counts"], list):
            return rle.frPyObjects(segmentation, height, width)
        return segmentation
    return rle.merge(rle.frPyObjects(segmentation, height, width))


class EncodedInstances:
    """Instances whose masks stay run lengths until somebody asks for pixels.

    A few hundred masks of a large photograph are gigabytes of pixels, of which a view shows few.
    """

    def __init__(self, labels: Tensor, segmentations: list[Any], height: int, width: int) -> None:
        """Keep the usable segmentations that have a pixel, with their labels."""
        encoded = [encode(segmentation, height, width) for segmentation in segmentations]
        kept = [k for k, pixels in enumerate(areas(encoded)) if pixels > 0]
        self.labels = labels[torch.tensor(kept, dtype=torch.int64)]
        self._encoded, self._size = [encoded[k] for k in kept], (height, width)

    def __len__(self) -> int:
        return len(self._encoded)

    @property
    def masks(self) -> Tensor:
        """Boolean masks [n, H, W], columns contiguous as pycocotools makes them."""
        if not self._encoded:
            return torch.zeros(0, *self._size, dtype=torch.bool)
        masks = rle.decode(self._encoded)
        return torch.from_numpy(masks.transpose(2, 0, 1)).view(torch.bool)

    def cut(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The masks at some rows and columns of the image, in their order: bool [n, r, c]."""
        found = np.zeros((len(self), len(rows), len(columns)), dtype=bool)
        for mask, encoded in zip(found, self._encoded, strict=True):
            down, across, pixels = _cut(encoded, rows.numpy(), columns.numpy())
            mask[down, across] = pixels
        return torch.from_numpy(found)

    def reach(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Which masks have a pixel at some rows and columns of the image: bool [n]."""
        cuts = (_cut(encoded, rows.numpy(), columns.numpy()) for encoded in self._encoded)
        return torch.tensor([bool(pixels.any()) for _, _, pixels in cuts], dtype=torch.bool)


def _cut(
    encoded: dict[str, Any], rows: np.ndarray, columns: np.ndarray
) -> tuple[slice, slice, np.ndarray]:
    # where among the rows and columns the mask's box lies, and its pixels there: nothing else is
    # decoded
    left, top, width, height = rle.toBbox(encoded).astype(int).tolist()
    down, across = _within(rows, top, top + height), _within(columns, left, left + width)
    rows, columns = rows[down], columns[across]
    if not (len(rows) and len(columns)):
        return down, across, np.zeros((len(rows), len(columns)), dtype=bool)
    # runs go down the columns
    tall = encoded["size"][0]
    first, stop = columns.min(), columns.max() + 1
    ends = np.cumsum(runs(encoded["counts"])).clip(first * tall, stop * tall)
    pieces = np.diff(ends, prepend=first * tall)
    part = np.repeat(np.arange(len(pieces)) % 2 == 1, pieces).reshape(stop - first, tall)
    # whole columns, then whole rows, so that each is copied in one piece
    lowest = rows.min()
    part = part[columns - first, lowest : rows.max() + 1]
    return down, across, np.ascontiguousarray(part.T)[rows - lowest]


def _within(places: np.ndarray, first: int, stop: int) -> slice:
    # the shortest piece of `places` that holds all of them in [first, stop)
    inside = np.flatnonzero((places >= first) & (places < stop))
    return slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0)


def areas(masks: Sequence[dict[str, Any]]) -> list[int]:
    """Pixels of each compressed RLE.

    One call a mask: pycocotools counts those of a list in 8 bits, and overflows at the 256th.
    """
    return [int(rle.area(mask)) for mask in masks]


def area(segmentation: Any, height: int, width: int) -> float:
    """Pixels of a usable segmentation."""
    return float(areas([encode(segmentation, height, width)])[0])


def box(segmentation: Any, height: int, width: int) -> list[float]:
    """Left, top, width and height of a usable segmentation, in pixels."""
    return rle.toBbox(encode(segmentation, height, width)).tolist()


def _usable_rle(segmentation: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    for key in ("size", "counts"):
        if key not in segmentation:
            raise ValueError(f"its RLE has no {key}")
    size, counts = segmentation["size"], segmentation["counts"]
    if not isinstance(size, list) or size != [height, width]:
        stated = " x ".join(f"{side}" for side in size) if isinstance(size, list) else size
        raise ValueError(f"its RLE is of size {stated}, its image of {height} x {width}")
    if isinstance(counts, list):
        whole = [int(n) for n in counts if isinstance(n, (int, float)) and n == n // 1]
        if len(whole) < len(counts):
            raise ValueError("a run of its RLE is no whole number")
        lengths, counts = whole, whole
    elif isinstance(counts, str):
        lengths = runs(counts).tolist()
    else:
        raise ValueError("the counts of its RLE are neither a list nor text")
    # pycocotools fills what the runs leave over with whatever is in memory
    if sum(lengths) != height * width or min(lengths) < 0:
        raise ValueError(f"its RLE has {sum(lengths)} pixels, its image {height * width}")
    return {"size": [height, width], "counts": counts}


def runs(counts: str | bytes) -> np.ndarray:
    """Run lengths in COCO's compressed form, int64 [r]: background first.

    Groups of 5 bits, lowest first, offset by 48; bit 6 says that more follow, the last group's bit
    5 is the sign; from the fourth run on a number is the difference to the run before last.

    Raises:
        ValueError: the text ends within a number.
    """
    text = counts.encode("ascii") if isinstance(counts, str) else counts
    groups = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if not len(groups) or groups[-1] & 32:
        raise ValueError("its RLE ends in the middle of a number")
    final = np.flatnonzero(groups & 32 == 0)
    starts = np.concatenate([[0], final[:-1] + 1])
    lengths = final - starts + 1
    shifts = 5 * (np.arange(len(groups)) - np.repeat(starts, lengths))
    numbers = np.add.reduceat((groups & 31) << shifts, starts)
    numbers -= np.where(groups[final] & 16, 1 << 5 * lengths, 0)
    found = numbers.copy()
    found[1::2] = np.cumsum(numbers[1::2])
    found[2::2] = np.cumsum(numbers[2::2])
    return found
