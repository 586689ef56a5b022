"""What is trained: Mask2Former, its loss, its predictions; nothing here is semi-supervised.

Beside it stands Mask R-CNN, a baseline.
"""

from gdsweep.model.criterion import Criterion, Normaliser
from gdsweep.model.inference import Predictions, predict
from gdsweep.model.mask2former import Mask2Former, Outputs
from gdsweep.model.mask_rcnn import MaskRCNN
from gdsweep.model.points import seeded_points, uniform_points
from gdsweep.model.transformer_decoder import LayerOutput

Network = Mask2Former | MaskRCNN
"""What a run can train."""

__all__ = [
    "Criterion",
    "LayerOutput",
    "Mask2Former",
    "MaskRCNN",
    "Network",
    "Normaliser",
    "Outputs",
    "Predictions",
    "predict",
    "seeded_points",
    "uniform_points",
]
