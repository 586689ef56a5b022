"""One annotation of a COCO file: what is usable of it, and whether it is trained on.

Rules: see `coco`. A file is not drawn to be read: masks are measured only where a box of a pixel or
two, or the lack of an area, leaves it open whether they have a pixel at all.
"""

import math
from collections import Counter
from typing import Any

from gdsweep.data import segmentation as segmentations

THIN = 2.0
"""Side of a polygon's box, in pixels, below which its mask may be without a pixel."""
OVER = 2.0
"""Pixels by which a polygon may leave its image without a word: tools round outwards."""
PART = 0.6
"""Share of height and width below which no polygon of a file lies where their unit is wrong."""
ENOUGH = 10
"""Polygons from which on that can be told."""

_NO, _YES = (0, None, "0", "false"), (1, "1", "true")


class Reader:
    """Reads the annotations of one file and counts what is odd about them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """How often each rule was applied, by the rule's words."""
        self._polygons = 0
        self._across = self._down = 0.0

    def read(
        self, annotation: dict[str, Any], height: int, width: int
    ) -> tuple[dict[str, Any], bool] | None:
        """The usable part of an annotation, and whether it is a training target.

        Returns None where it has no mask.

        Raises:
            ValueError: it cannot be meant; the message says why.
        """
        given = annotation.get("segmentation")
        segmentation = segmentations.usable(given, height, width) if given else None
        if segmentation is None:
            self.counts[
                "annotations without a mask or a polygon of three points skipped (a box is no mask)"
            ] += 1
            return None
        if isinstance(given, list) and len(segmentation) < len(given):
            dropped = len(given) - len(segmentation)
            self.counts["polygons of fewer than three points dropped"] += dropped
        crowd, area = _flag(annotation.get("iscrowd")), _area(annotation.get("area"))
        empty = self._empty(segmentation, area, height, width)
        if crowd:
            self.counts["crowds are no training targets"] += 1
        elif empty:
            self.counts[empty] += 1
        if area is None:
            self.counts["annotations without an area: measured on the mask"] += 1
            area = segmentations.area(segmentation, height, width)
        kept = {
            "id": annotation["id"],
            "category_id": annotation["category_id"],
            "segmentation": segmentation,
            "area": area,
            "iscrowd": int(crowd),
        }
        if _is_box(annotation.get("bbox")):
            kept["bbox"] = annotation["bbox"]
        return kept, not crowd and not empty

    def notes(self) -> list[str]:
        """What was counted, and what the polygons of the whole file tell; a line each."""
        lines = [f"{count} {rule}" for rule, count in self.counts.items() if count]
        if self._polygons >= ENOUGH and max(self._across, self._down) < PART:
            lines.append(
                f"all {self._polygons} polygons lie in the upper left {self._across:.0%} x "
                f"{self._down:.0%} of their images; are their coordinates pixels, and of images of "
                "this size?"
            )
        return lines

    def _empty(self, segmentation: Any, area: float | None, height: int, width: int) -> str | None:
        # why a mask is without a pixel, in the words of its rule; None where it has one
        zero = "annotations of zero area are no training targets"
        if isinstance(segmentation, dict):
            return None if segmentations.area(segmentation, height, width) else zero
        left, top, right, bottom = segmentations.extent(segmentation)
        self._polygons += 1
        self._across = max(self._across, right / width)
        self._down = max(self._down, bottom / height)
        if left >= 0 and top >= 0 and right <= 1 and bottom <= 1:
            return (
                "annotations with all coordinates between 0 and 1 are no training targets (shares "
                "of the image? COCO's are pixels)"
            )
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            return "annotations outside their image are no training targets"
        if min(left, top) < -OVER or right > width + OVER or bottom > height + OVER:
            self.counts["annotations that reach out of their image: cut at its border"] += 1
        across, down = min(right, width) - max(left, 0), min(bottom, height) - max(top, 0)
        if area is not None and area > (right - left + 2) * (bottom - top + 2):
            self.counts[
                "stated areas that are larger than the box of their mask: they sort objects by "
                "size (APs, APm, APl), as stated"
            ] += 1
        thin = min(across, down) < THIN or not area or area <= 0
        return zero if thin and not segmentations.area(segmentation, height, width) else None


def _flag(value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in _NO:
        return False
    if word in _YES:
        return True
    raise ValueError(f"its iscrowd is {value!r}; 0 and 1 are valid")


def _area(value: Any) -> float | None:
    if value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    try:
        area = float(value)
    except (TypeError, ValueError):
        area = math.nan
    if not math.isfinite(area):
        raise ValueError(f"its area is {value!r}, no number")
    return value if isinstance(value, (int, float)) else area


def _is_box(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and {type(side) for side in value} <= {int, float}
        and math.isfinite(sum(value))
    )
