"""Segmentations as COCO writes them: polygons, uncompressed RLE, compressed RLE."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from pycocotools import mask as rle
from torch import Tensor

FARTHEST = 1e5  # pixels; pycocotools crashes on coordinates far beyond an image


def usable(segmentation: Any, height: int, width: int) -> Any:
    """A segmentation with what no tool can draw left out; None if nothing remains.

    Polygons of fewer than three points, or of an odd number of coordinates, are left out.

    Raises:
        ValueError: it cannot be meant: not a segmentation at all, an RLE that does not cover its
            image exactly, a coordinate that is no number or beyond 100,000 pixels.
    """
    if isinstance(segmentation, dict):
        _check_rle(segmentation, height, width)
        return segmentation
    if not isinstance(segmentation, list) or not all(isinstance(p, list) for p in segmentation):
        raise ValueError("its segmentation is neither a list of polygons nor an RLE")
    polygons = [p for p in segmentation if len(p) >= 6 and len(p) % 2 == 0]
    for polygon in polygons:
        # a sum is not finite if any summand is not
        if not math.isfinite(sum(polygon)) or max(polygon) > FARTHEST or min(polygon) < -FARTHEST:
            raise ValueError("a coordinate of its polygon is no number or far outside its image")
    return polygons or None


def encode(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """A usable segmentation as one compressed RLE of its image's size."""
    if isinstance(segmentation, dict):
        if isinstance(segmentation["counts"], list):
            return rle.frPyObjects(segmentation, height, width)
        return segmentation
    return rle.merge(rle.frPyObjects(segmentation, height, width))


def decode(segmentations: list[Any], height: int, width: int) -> tuple[Tensor, Tensor]:
    """Masks of usable segmentations that have a pixel.

    Returns:
        Boolean masks [m, height, width], columns contiguous as pycocotools makes them, and the
        indices of their segmentations, int64 [m].
    """
    encoded = [encode(segmentation, height, width) for segmentation in segmentations]
    kept = [k for k, pixels in enumerate(areas(encoded)) if pixels > 0]
    if not kept:
        return torch.zeros(0, height, width, dtype=torch.bool), torch.zeros(0, dtype=torch.long)
    masks = rle.decode([encoded[k] for k in kept])
    return torch.from_numpy(masks.transpose(2, 0, 1)).view(torch.bool), torch.tensor(kept)


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


def _check_rle(segmentation: dict[str, Any], height: int, width: int) -> None:
    if list(segmentation["size"]) != [height, width]:
        stated = " x ".join(str(side) for side in segmentation["size"])
        raise ValueError(f"its RLE is of size {stated}, its image of {height} x {width}")
    counts = segmentation["counts"]
    if isinstance(counts, str):
        counts = _runs(counts)
    # pycocotools fills what the runs leave over with whatever is in memory
    if sum(counts) != height * width or min(counts) < 0:
        raise ValueError(f"its RLE has {sum(counts)} pixels, its image {height * width}")


def _runs(counts: str) -> list[int]:
    # run lengths in COCO's compressed form: groups of 5 bits, lowest first, offset by 48; bit 6
    # says that more follow, the last group's bit 5 is the sign; from the fourth run on a number is
    # the difference to the run before last
    runs: list[int] = []
    value = shift = 0
    for byte in counts.encode("ascii"):
        group = byte - 48
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            if group & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    return runs
