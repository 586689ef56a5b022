"""Building the network that `model.architecture` names."""

from collections.abc import Callable

from gdsweep.config import ModelSettings
from gdsweep.model.eomt import EoMT
from gdsweep.model.mask2former import Mask2Former
from gdsweep.model.mask_rcnn import MaskRCNN
from gdsweep.model.network import Network
from gdsweep.model.operators import AUTOMATIC, Operators

NETWORKS: dict[str, type[Network]] = {
    "mask2former": Mask2Former,
    "eomt": EoMT,
    "mask-rcnn": MaskRCNN,
}
"""Each is built from settings, the number of classes, and the operators' names."""


def build_network(
    settings: ModelSettings, classes: int, operators: Operators = AUTOMATIC
) -> Network:
    """The network that `settings` describe, for `classes` classes without "no object".

    Raises:
        BadInput: sizes that do not divide, or a backbone that cannot be had or does not suit.
    """
    make: Callable[[ModelSettings, int, Operators], Network] = NETWORKS[settings.architecture]
    return make(settings, classes, operators)
