"""How it is scored: a network's predictions on an image set, and their AP."""

from gdsweep.evaluate.average_precision import average_precision, check_measurable
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap
from gdsweep.evaluate.mask_ap import METRICS, mask_ap
from gdsweep.evaluate.predictions import predict_dataset

__all__ = [
    "METRICS",
    "average_precision",
    "check_measurable",
    "cityscapes_ap",
    "mask_ap",
    "predict_dataset",
]
