"""What a network of queries predicts: classes and mask embeddings, layer by layer."""

from dataclasses import dataclass

from torch import Tensor

from gdsweep.model.precise import at_least_float32, full_precision


@dataclass(frozen=True)
class LayerOutput:
    """Predictions of one decoder layer; masks are computed where and when they are wanted."""

    class_logits: Tensor
    """[B, Q, C + 1], "no object" last."""
    mask_embeddings: Tensor
    """[B, Q, hidden]; a mask is its dot product with the mask features."""
    mask_features: Tensor
    """[B, hidden, H/4, W/4]; where all layers share them, the same tensor for each."""

    @property
    def mask_logits(self) -> Tensor:
        """[B, Q, H/4, W/4] in float32 or better, on the padded canvas; computed anew each time."""
        return dot_masks(self.mask_embeddings, self.mask_features)


@dataclass(frozen=True)
class Outputs:
    """Predictions on a batch of images padded to one canvas."""

    layers: list[LayerOutput]
    """The predictions of every supervised layer, in order, or only the last one's."""
    size: tuple[int, int]
    """Height and width of the padded canvas; masks are at a quarter of it."""
    sizes: list[tuple[int, int]]
    """Height and width of each image before padding."""


def dot_masks(embeddings: Tensor, features: Tensor) -> Tensor:
    """Mask logits [B, n, h, w] of embeddings [B, n, hidden] on features [B, hidden, h, w].

    In float32 at least: a sum over 256 channels with a threshold at zero needs its precision.
    """
    with full_precision(features):
        flat = at_least_float32(embeddings) @ at_least_float32(features).flatten(2)
    return flat.unflatten(-1, (features.shape[-2], features.shape[-1]))
