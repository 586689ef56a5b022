"""How it is scored: a network's predictions on an image set, and their mask AP."""

from gdsweep.evaluate.mask_ap import METRICS, mask_ap
from gdsweep.evaluate.predictions import predict_dataset

__all__ = ["METRICS", "mask_ap", "predict_dataset"]
