"""The reported measure of a data set: its own AP."""

from typing import Any

from gdsweep.config import DataFormat
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap, require_cityscapesscripts
from gdsweep.evaluate.mask_ap import mask_ap


def check_installed(data: DataFormat) -> None:
    """Raise BadInput where what scores a data set is not installed."""
    if data.measure == "cityscapes":
        require_cityscapesscripts()


def average_precision(
    data: DataFormat,
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int = 100,
) -> dict[str, float]:
    """AP of COCO-format results: Cityscapes' on Cityscapes, COCO's mask AP on all others.

    `detections` limits COCO's only. Returns what `mask_ap` and `cityscapes_ap` return.
    """
    if data.measure == "cityscapes":
        return cityscapes_ap(ground_truth, results)
    return mask_ap(ground_truth, results, detections)
