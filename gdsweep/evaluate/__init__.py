"""How it is scored: a network's predictions on an image set, and their AP."""

from gdsweep.evaluate.average_precision import average_precision, check_measurable
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap
from gdsweep.evaluate.mask_ap import METRICS, mask_ap
from gdsweep.evaluate.matching import matched, overlaps
from gdsweep.evaluate.predictions import equal_sizes, predict_dataset

__all__ = [
    "METRICS",
    "average_precision",
    "check_measurable",
    "cityscapes_ap",
    "equal_sizes",
    "mask_ap",
    "matched",
    "overlaps",
    "predict_dataset",
]
