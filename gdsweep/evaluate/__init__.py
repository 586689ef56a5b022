"""How it is scored: a network's predictions on an image set, and their metrics."""

from gdsweep.evaluate.average_precision import average_precision
from gdsweep.evaluate.boundary_ap import boundary_ap
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap
from gdsweep.evaluate.mask_ap import mask_ap
from gdsweep.evaluate.matching import matched, overlaps
from gdsweep.evaluate.measure import check_measurable, measure
from gdsweep.evaluate.predictions import equal_sizes, predict_dataset
from gdsweep.evaluate.tiles import instances_counted

__all__ = [
    "average_precision",
    "boundary_ap",
    "check_measurable",
    "cityscapes_ap",
    "equal_sizes",
    "instances_counted",
    "mask_ap",
    "matched",
    "measure",
    "overlaps",
    "predict_dataset",
]
