"""Settings of what is trained: Mask2Former and its loss."""

from typing import Literal

from pydantic import Field

from gdsweep.config.base import Settings


class ModelSettings(Settings):
    """Mask2Former at the paper's size; a small run only turns numbers down."""

    backbone: str = "resnet50"
    """A timm model with feature maps at strides 4, 8, 16 and 32, by timm's name."""
    weights: str = "pretrained"
    """Initial backbone weights: `pretrained` (timm's for that tag), `random`, or a local file."""
    norm: Literal["frozen", "sync", "batch"] = "frozen"
    """The backbone's batch normalisation: frozen statistics (COCO), synchronised over processes
    (Cityscapes), or per process. Backbones without batch normalisation are unaffected."""
    freeze_backbone: bool = False
    """Train the segmentation head only (Table 7, "Fixed")."""
    drop_path: float = Field(0.0, ge=0, lt=1)
    """Stochastic depth of the backbone (0.3 for Swin)."""
    hidden: int = Field(256, ge=8)
    """Channels of pixel decoder, transformer decoder and mask embedding."""
    heads: int = Field(8, ge=1)
    """Attention heads, deformable and ordinary."""
    queries: int = Field(100, ge=1)
    """K: object queries, hence predicted instances (200 with Swin-L in the public code)."""
    encoder_layers: int = Field(6, ge=1)
    """Deformable-attention layers of the pixel decoder."""
    encoder_points: int = Field(4, ge=1)
    """Sampling points per head and level."""
    encoder_feedforward: int = Field(1024, ge=1)
    """Hidden width of the encoder's MLPs."""
    decoder_layers: int = Field(9, ge=1)
    """Masked-attention layers; one more output, of the bare queries, is supervised too."""
    decoder_feedforward: int = Field(2048, ge=1)
    """Hidden width of the decoder's MLPs."""


class LossSettings(Settings):
    """Eq. (1): weights, matching costs and point sampling.

    The paper states lambda_D = 5 and lambda_C = 1 beside a mask term of weight 1; the public code,
    whose values are the defaults here, has 5 (mask), 5 (dice) and 2 (class).
    """

    lambda_c: float = Field(2.0, ge=0)
    """lambda_C: weight of the class cross-entropy, in the loss and in the matching cost."""
    lambda_ce: float = Field(5.0, ge=0)
    """Weight of the masks' binary cross-entropy, in both."""
    lambda_d: float = Field(5.0, ge=0)
    """lambda_D: weight of the dice loss, in both."""
    no_object: float = Field(0.1, gt=0)
    """Class weight of "no object" in the cross-entropy."""
    points: int = Field(12544, ge=1)
    """Points at which a mask is compared, in matching and in the loss."""
    oversample: float = Field(3.0, ge=1)
    """Candidate points per loss point (PointRend's importance sampling)."""
    importance: float = Field(0.75, ge=0, le=1)
    """Share of the loss points taken where the mask is least certain."""
