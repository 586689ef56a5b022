"""What is trained: Mask2Former, its loss, its predictions; nothing here is semi-supervised.

Beside it stands Mask R-CNN, a baseline.
"""

from gdsweep.model.criterion import Criterion, Normaliser
from gdsweep.model.eomt import EoMT
from gdsweep.model.inference import Predictions, predict
from gdsweep.model.mask2former import Mask2Former
from gdsweep.model.mask_rcnn import MaskRCNN
from gdsweep.model.network import Network, QueryNetwork
from gdsweep.model.networks import NETWORKS, build_network
from gdsweep.model.operators import Operators
from gdsweep.model.outputs import LayerOutput, Outputs
from gdsweep.model.points import seeded_points, uniform_points
from gdsweep.model.transfer import to_device

__all__ = [
    "NETWORKS",
    "Criterion",
    "EoMT",
    "LayerOutput",
    "Mask2Former",
    "MaskRCNN",
    "Network",
    "Normaliser",
    "Operators",
    "Outputs",
    "Predictions",
    "QueryNetwork",
    "build_network",
    "predict",
    "seeded_points",
    "to_device",
    "uniform_points",
]
