"""Settings of what is trained: the model and its loss."""

from typing import Annotated, Literal

from pydantic import Field

from gdsweep.config.base import Settings

NO_FILE = ("pretrained", "package", "random")
"""What initial backbone weights can be beside a file."""


class ModelSettings(Settings):
    """The network, at the paper's size; a small run only turns numbers down."""

    architecture: Literal["mask2former", "mask-rcnn", "eomt"] = "mask2former"
    """`eomt`: queries join the last blocks of a plain ViT, without pixel or transformer decoder
    (Kerssies et al., CVPR 2025); of the sizes below it has `queries`. `mask-rcnn` is torchvision's,
    for supervised training only (the baseline of Tables 3a, 3b); of the sizes below it has `hidden`
    (pyramid, mask head) and `encoder_feedforward` (box head)."""
    backbone: str = "resnet50"
    """A timm model with feature maps at strides 4, 8, 16 and 32, or a plain vision transformer, by
    timm's name."""
    weights: str = "pretrained"
    """Initial backbone weights: `pretrained` (timm's for that tag, downloaded), `package` (those of
    an installed package, see `weights_packages`), `random`, or a local file, relative to the grid
    file. What is in file or package is part of the identity, the path is not."""
    norm: Literal["frozen", "sync", "batch"] = "frozen"
    """The backbone's batch normalisation: frozen statistics (COCO), synchronised over processes
    (Cityscapes), or per process. Backbones without batch normalisation are unaffected."""
    init: str | None = None
    """Trained weights of the whole network to start from, instead of `weights`: a file or folder of
    any format that `gdsweep.interop` reads, relative to the grid file. What is in it is part of the
    identity, its path is not; of a run directory, the checkpoint that is read from it. A class head
    of other classes is adapted, and that is logged; of a file that holds a backbone alone all else
    starts anew, and that is logged too."""
    freeze_backbone: bool = False
    """Train the segmentation head only (Table 7, "Fixed"); what lies between the pre-trained
    network and the head (1x1 convolutions of a ViT, norms of a Swin) is trained too."""
    vit_resize: Literal["nearest", "bilinear"] = "nearest"
    """How a vision transformer's image is brought to whole patches and its tokens to strides 4 to
    32: `nearest` is the public code, `bilinear` the paper. Other backbones are unaffected."""
    vit_positions: Literal["antialias", "bicubic", "bilinear"] = "antialias"
    """How a vision transformer's table of positions is brought to an image's patches. `antialias`:
    timm's bicubic interpolation with antialiasing. `bicubic`: plain, by factors a tenth of a patch
    too large, as DINOv2's own code and so the public code. `bilinear`: the public code's for DeiT.
    The backbones' presets say which; other backbones are unaffected."""
    vit_layers: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        None, min_length=4, max_length=4
    )
    """Blocks of a plain vision transformer, counted from 1, after which the maps at strides 4, 8,
    16 and 32 are taken, four numbers; None takes all four after the last block (paper and code)."""
    vit_grid: int | None = Field(None, ge=1)
    """`eomt`: patches along a side of the ViT's table of positions, which is interpolated to the
    image's; None keeps timm's (40 in checkpoints trained at 640 pixels)."""
    query_blocks: int = Field(4, ge=1)
    """`eomt`: L2, the last blocks of the ViT, which queries join (3, 4 and 5 of ViT-B, L and g)."""
    masked_attention: Literal["annealed", "always", "never"] = "annealed"
    """`eomt`: whether queries see only their own masks in these blocks: less and less, block by
    block, as training goes on (`annealed`, the paper's), in training and testing, or not at all."""
    drop_path: float = Field(0.0, ge=0, lt=1)
    """Stochastic depth of the backbone (0.3 for Swin)."""
    hidden: int = Field(256, ge=8)
    """Channels of pixel decoder, transformer decoder and mask embedding."""
    heads: int = Field(8, ge=1)
    """Attention heads, deformable and ordinary."""
    queries: int = Field(100, ge=1)
    """K: object queries, hence predicted instances (200 with Swin-L in the public code)."""
    pixel_decoder_precision: Literal["fp32", "autocast"] = "fp32"
    """`fp32` whatever the network around it is computed in (paper's code); `autocast`: as that, but
    for sampling locations, which stay in float32. Without effect where all is in float32."""
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

    @property
    def weights_file(self) -> str | None:
        """The file that `weights` names; None for timm's, a package's and random ones."""
        return None if self.weights in NO_FILE else self.weights


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
    groups: int = Field(1, ge=1)
    """Groups of images whose losses are averaged; image k of a global batch is in group k modulo
    `groups`. 1: the batch is one, as eq. (2) has it. The public code normalises on each of its
    processes and averages: a group is then what one of the paper's GPUs holds, eight groups of two
    images as a rule. Class losses are weighted means within a group, and the mask losses' divisor
    is at least `groups`. Never more groups than images; no matter of the GPUs a run has."""
