"""The reported measure of a data set: its own AP."""

from typing import Any

from gdsweep.config import CityscapesData, FileData, ShapesData
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap, require_cityscapesscripts
from gdsweep.evaluate.mask_ap import mask_ap


def check_measurable(data: ShapesData | FileData) -> None:
    """Raise BadInput where what scores a data set is not installed: early, not after training."""
    if isinstance(data, CityscapesData):
        require_cityscapesscripts()


def average_precision(
    data: ShapesData | FileData,
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int = 100,
) -> dict[str, float]:
    """AP of COCO-format results: Cityscapes' on Cityscapes, COCO's mask AP on all others.

    `detections` limits COCO's only. Returns what `mask_ap` and `cityscapes_ap` return.
    """
    if isinstance(data, CityscapesData):
        return cityscapes_ap(ground_truth, results)
    return mask_ap(ground_truth, results, detections)
