"""Plain vision transformers as backbones: a feature pyramid from patch tokens ("SSL backbones")."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.backbone import STRIDES
from gdsweep.model.vit import create_vit

CHANNELS = (128, 256, 512, 1024)
"""Channels at strides 4, 8, 16 and 32, the public code's."""


class ViTPyramid(nn.Module):
    """A timm vision transformer that returns maps at strides 4, 8, 16 and 32.

    The last block's patch tokens (or, with `settings.vit_layers`, those of a block for each map),
    after the final norm and without class and register tokens, are laid out as a map; a 1x1
    convolution for each stride, then a resize to that stride. The paper and the public code resize
    first; a 1x1 convolution acts on every pixel alone and the weights of nearest and bilinear
    interpolation sum to 1, at the border too, so both orders are the same map but for rounding, and
    this one convolves a fraction of the pixels.

    The image is resized to `tokens_of` whole patches an axis; see `create_vit` for positions.
    `attention` names the operator of the transformer's attention, see `vit_attention`.

    With `settings.freeze_backbone` (Table 7, "Fixed") the transformer is fixed and stays in
    evaluation mode, while the 1x1 convolutions, which have no pre-trained weights, still learn:
    at the backbone's learning rate, as they do when everything is fine-tuned.

    Raises:
        BadInput: an unknown name, or weights that cannot be had or do not fit.
    """

    def __init__(self, settings: ModelSettings, attention: str = "auto") -> None:
        super().__init__()
        self.frozen = settings.freeze_backbone
        self.resize = settings.vit_resize
        net = create_vit(settings, attention)
        self.indices = _map_indices(settings, len(net.blocks))
        net.prune_intermediate_layers(self.indices)  # the classifier, and blocks behind the last
        self.net = net
        self.patch: tuple[int, int] = tuple(net.patch_embed.patch_size)
        self.adapters = nn.ModuleList(nn.Conv2d(net.embed_dim, width, 1) for width in CHANNELS)
        self.channels: tuple[int, ...] = CHANNELS
        config = net.pretrained_cfg
        self.mean: tuple[float, ...] = tuple(255 * v for v in config["mean"])
        self.std: tuple[float, ...] = tuple(255 * v for v in config["std"])
        self.train()

    def train(self, mode: bool = True) -> "ViTPyramid":
        """As `nn.Module.train`, except that a frozen transformer stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.net.eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps [B, channels, H/s, W/s] for s = 4, 8, 16, 32 of normalised images [B, 3, H, W]."""
        H, W = images.shape[-2:]
        found = self.tokens(images)
        return [
            self._resized(adapter(tokens), (H // stride, W // stride))
            for adapter, tokens, stride in zip(self.adapters, found, STRIDES, strict=True)
        ]

    def tokens(self, images: Tensor) -> list[Tensor]:
        """Maps [B, embed_dim, h, w] of patch tokens of normalised images [B, 3, H, W], one for each
        stride: the same tensor where they are of the same block."""
        sides = zip(images.shape[-2:], self.patch, strict=True)
        height, width = (tokens_of(side, patch) * patch for side, patch in sides)
        whole = self._resized(images, (height, width))
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            maps = self.net.forward_intermediates(
                whole, indices=sorted(set(self.indices)), norm=True, intermediates_only=True
            )
        of_block = dict(zip(sorted(set(self.indices)), maps, strict=True))
        return [of_block[index] for index in self.indices]

    def _resized(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        if maps.shape[-2:] == size:
            return maps
        if self.resize == "nearest":
            return F.interpolate(maps, size, mode="nearest")
        return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def _map_indices(settings: ModelSettings, blocks: int) -> list[int]:
    """The block, counted from 0, behind each of the four maps."""
    if settings.vit_layers is None:
        return [blocks - 1] * len(STRIDES)
    for layer in settings.vit_layers:
        if layer > blocks:
            raise BadInput(
                f"model.vit_layers: {layer} of the {blocks} blocks {settings.backbone} has"
            )
    return [layer - 1 for layer in settings.vit_layers]


def tokens_of(side: int, patch: int) -> int:
    """Patches along an axis of `side` pixels, a multiple of 32.

    A patch of 16 tiles it as it is. One of 14 takes an image enlarged to a patch more than fit in
    it, as the public code, also where 14 divides the side: 1024 pixels become 1036, 74 patches,
    and the 1344 of a long COCO image 1358, 97 patches.
    """
    return side // patch + (STRIDES[-1] % patch > 0)
