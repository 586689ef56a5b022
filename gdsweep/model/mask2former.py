"""Mask2Former (Cheng et al., CVPR 2022) for instance segmentation."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.backbone import Backbone
from gdsweep.model.network import QueryNetwork
from gdsweep.model.operators import AUTOMATIC, Operators
from gdsweep.model.outputs import Outputs
from gdsweep.model.pixel_decoder import PixelDecoder
from gdsweep.model.transformer_decoder import TransformerDecoder
from gdsweep.model.vit import is_vit
from gdsweep.model.vit_pyramid import ViTPyramid


class Mask2Former(QueryNetwork):
    """Backbone, pixel decoder and transformer decoder.

    Args:
        settings: sizes; the defaults are the paper's.
        classes: C, without "no object".
        operators: what computes attention, ordinary and deformable.

    Raises:
        BadInput: sizes that do not divide, or a backbone that cannot be had.
    """

    class_head = "transformer_decoder.class_head"

    def __init__(
        self, settings: ModelSettings, classes: int, operators: Operators = AUTOMATIC
    ) -> None:
        _check(settings)
        backbone: ViTPyramid | Backbone
        if is_vit(settings.backbone):
            backbone = ViTPyramid(settings, operators.attention)
        else:
            backbone = Backbone(settings)
        super().__init__(backbone.mean, backbone.std)
        self.backbone = backbone
        self.pixel_decoder = PixelDecoder(self.backbone.channels, settings, operators.deformable)
        self.transformer_decoder = TransformerDecoder(classes, settings, operators.attention)

    def forward(
        self, images: Sequence[Tensor], targets: object = None, auxiliary: bool = True
    ) -> Outputs:
        """Predict instances.

        Args:
            images: [3, h, w] each, RGB in 0..255, uint8 or float, of any sizes.
            targets: not looked at: the criterion compares them with what is returned.
            auxiliary: also return what the loss supervises besides the last layer.
        """
        batch = self.batch(images)
        mask_features, maps = self.pixel_decoder(self.backbone(batch))
        layers = self.transformer_decoder(mask_features, maps, auxiliary)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        return Outputs(layers, (batch.shape[-2], batch.shape[-1]), sizes)

    @property
    def timm_net(self) -> Any:
        """timm's network: the backbone without what brings its maps to strides."""
        return self.backbone.net

    @property
    def query_count(self) -> int:
        """K, the number of object queries."""
        return self.transformer_decoder.query_features.num_embeddings


def _check(settings: ModelSettings) -> None:
    if settings.hidden % settings.heads:
        raise BadInput(
            f"model.hidden: {settings.hidden} is not a multiple of model.heads, {settings.heads}"
        )
    if settings.hidden % 4:
        raise BadInput(
            f"model.hidden: {settings.hidden} is not a multiple of 4 (sine and cosine of x and y)"
        )
