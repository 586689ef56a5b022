"""Mask2Former (Cheng et al., CVPR 2022) for instance segmentation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.backbone import Backbone
from gdsweep.model.pixel_decoder import PixelDecoder
from gdsweep.model.transformer_decoder import LayerOutput, TransformerDecoder
from gdsweep.model.vit_pyramid import ViTPyramid, is_vit

SIZE_MULTIPLE = 32
"""Padded sizes are multiples of the coarsest stride."""


@dataclass(frozen=True)
class Outputs:
    """Predictions on a batch of images padded to one canvas."""

    layers: list[LayerOutput]
    """The bare queries' and every decoder layer's predictions, or only the last layer's."""
    size: tuple[int, int]
    """Height and width of the padded canvas; masks are at a quarter of it."""
    sizes: list[tuple[int, int]]
    """Height and width of each image before padding."""


class Mask2Former(nn.Module):
    """Backbone, pixel decoder and transformer decoder.

    Args:
        settings: sizes; the defaults are the paper's.
        classes: C, without "no object".
        attention: backend of the transformer decoder's attention, see `attention.attention`.

    Raises:
        BadInput: sizes that do not divide, or a backbone that cannot be had.
    """

    def __init__(self, settings: ModelSettings, classes: int, attention: str = "auto") -> None:
        super().__init__()
        _check(settings)
        kind = ViTPyramid if is_vit(settings.backbone) else Backbone
        self.backbone = kind(settings)
        self.pixel_decoder = PixelDecoder(self.backbone.channels, settings)
        self.transformer_decoder = TransformerDecoder(classes, settings, attention)
        for name, values in (("mean", self.backbone.mean), ("std", self.backbone.std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, images: Sequence[Tensor], auxiliary: bool = True) -> Outputs:
        """Predict instances.

        Args:
            images: [3, h, w] each, RGB in 0..255, uint8 or float, of any sizes.
            auxiliary: also return what the loss supervises besides the last layer.
        """
        batch = self._batch(images)
        mask_features, maps = self.pixel_decoder(self.backbone(batch))
        layers = self.transformer_decoder(mask_features, maps, auxiliary)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        return Outputs(layers, (batch.shape[-2], batch.shape[-1]), sizes)

    def _batch(self, images: Sequence[Tensor]) -> Tensor:
        # normalised first, so that the padding's zeros are the mean colour (as detectron2)
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.std, Tensor)
        height, width = (
            -(-max(image.shape[axis] for image in images) // SIZE_MULTIPLE) * SIZE_MULTIPLE
            for axis in (-2, -1)
        )
        batch = self.mean.new_zeros(len(images), 3, height, width)
        for canvas, image in zip(batch, images, strict=True):
            normalised = (image.to(self.mean.device).to(self.mean.dtype) - self.mean) / self.std
            canvas[:, : image.shape[-2], : image.shape[-1]] = normalised
        return batch


def _check(settings: ModelSettings) -> None:
    if settings.hidden % settings.heads:
        raise BadInput(
            f"model.hidden: {settings.hidden} is not a multiple of model.heads, {settings.heads}"
        )
    if settings.hidden % 4:
        raise BadInput(
            f"model.hidden: {settings.hidden} is not a multiple of 4 (sine and cosine of x and y)"
        )
