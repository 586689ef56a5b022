"""What is trained: Mask2Former, its loss, its predictions; nothing here is semi-supervised."""

from gdsweep.model.criterion import Criterion, Normaliser
from gdsweep.model.inference import Predictions, predict
from gdsweep.model.mask2former import Mask2Former, Outputs
from gdsweep.model.points import seeded_points, uniform_points
from gdsweep.model.transformer_decoder import LayerOutput

__all__ = [
    "Criterion",
    "LayerOutput",
    "Mask2Former",
    "Normaliser",
    "Outputs",
    "Predictions",
    "predict",
    "seeded_points",
    "uniform_points",
]
