"""What settings follow from: how many images a set has, how large they and their objects are."""

import json
import statistics
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SetStatistics:
    """One set of annotated images; lengths in pixels."""

    images: int
    """Number of images."""
    height: int
    """Median height."""
    width: int
    """Median width."""
    objects: float
    """Mean number of objects of an image, crowds apart."""
    crowded: int
    """Objects of the image that has more than 99 of 100 others."""
    side: float
    """Median side of an object: the square root of its box' area; 0 where there is none."""

    def __str__(self) -> str:
        return (
            f"{self.images:,} images of {self.height} x {self.width} with {self.objects:.1f} "
            f"objects of {self.side:.0f} pixels"
        )


def recorded_as(data: str, image_set: str) -> str:
    """The key under which a store remembers a set's statistics: the data set's name for `train`."""
    return data if image_set == "train" else f"{data}/{image_set}"


def coco_statistics(path: Path) -> SetStatistics | None:
    """Statistics of an annotation file in COCO's format; None where it is not there or not one.

    What is wrong with a file is told by those who read it for training.
    """
    try:
        stat = path.stat()
        return _statistics(path, stat.st_size, stat.st_mtime_ns)
    except (
        OSError,
        ArithmeticError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ):
        return None


@lru_cache(maxsize=64)
def _statistics(path: Path, size: int, changed: int) -> SetStatistics | None:
    content = json.loads(path.read_bytes())
    sizes = [(int(image["height"]), int(image["width"])) for image in content["images"]]
    if not sizes:
        return None
    # ids may be digits as text, as some tools write them
    counts: Counter[int] = Counter({int(image["id"]): 0 for image in content["images"]})
    sides = []
    for annotation in content["annotations"]:
        image = int(annotation["image_id"])
        if annotation.get("iscrowd") in (1, True, "1") or image not in counts:
            continue
        counts[image] += 1
        sides.append(_side(annotation))
    ordered = sorted(counts.values())
    known = [side for side in sides if side > 0]
    return SetStatistics(
        images=len(sizes),
        height=round(statistics.median(height for height, _ in sizes)),
        width=round(statistics.median(width for _, width in sizes)),
        objects=sum(ordered) / len(ordered),
        crowded=ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
        side=statistics.median(known) if known else 0.0,
    )


def _side(annotation: dict[str, Any]) -> float:
    """Square root of an object's box' area; 0 where the annotation gives no box."""
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return 0.0
    return float(abs(float(box[2]) * float(box[3])) ** 0.5)
