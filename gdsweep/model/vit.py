"""Plain vision transformers of timm: which names are one, and how one is made."""

from types import MethodType
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.timm_net import create, load
from gdsweep.model.vit_attention import attend_by

_FAMILY = ("timm.models.vision_transformer", "timm.models.deit", "timm.models.eva")


def is_vit(name: str) -> bool:
    """Whether timm's `name` is a plain vision transformer: ViT, DINOv2, DeiT, DINOv3 and such."""
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        return False
    return timm.models.model_entrypoint(architecture).__module__ in _FAMILY


def create_vit(settings: ModelSettings, attention: str = "auto", **options: Any) -> Any:
    """timm's transformer for images of any whole number of patches, fixed where settings say so.

    Tables of positions are interpolated to the patches there are as `settings.vit_positions` says;
    rotary positions (DINOv3) are computed for them. Class, register and storage
    tokens stand before the patches' (`num_prefix_tokens`).

    Args:
        settings: name, weights, stochastic depth, and whether the transformer is fixed.
        attention: what computes its attention, see `attention.attention_operator`.
        options: further arguments of timm's constructor.

    Raises:
        BadInput: an unknown name, weights that cannot be had or do not fit, or no table of
            positions that could be interpolated as asked.
    """
    net = create(settings, dynamic_img_size=True, **options)
    load(net, settings)
    net.requires_grad_(not settings.freeze_backbone)
    attend_by(net, attention)
    if settings.vit_positions != "antialias":
        _place_by(net, settings)
    return net


def _place_by(net: Any, settings: ModelSettings) -> None:
    """Let `net` add its positions by `resized_positions` instead of timm's antialiasing."""
    if type(net) is not VisionTransformer or net.pos_embed is None:
        raise BadInput(
            f"model.vit_positions: {settings.backbone} has no plain table of positions; "
            "use antialias, which is timm's own way"
        )

    def add_positions(net: VisionTransformer, patches: Tensor) -> Tensor:
        # as timm's own, but for how the table is resized
        assert net.pos_embed is not None
        B, height, width, _ = patches.shape
        prefix = 0 if net.no_embed_class else net.num_prefix_tokens
        table = net.pos_embed[:, prefix:].unflatten(1, net.patch_embed.grid_size)
        places = resized_positions(table, (height, width), settings.vit_positions).flatten(1, 2)
        tokens = patches.flatten(1, 2) + places
        first = [t.expand(B, -1, -1) for t in (net.cls_token, net.reg_token) if t is not None]
        if first and prefix:
            first = [torch.cat(first, 1) + net.pos_embed[:, :prefix]]
        return net.pos_drop(torch.cat([*first, tokens], 1))

    net._pos_embed = MethodType(add_positions, net)  # type: ignore[method-assign]


def resized_positions(table: Tensor, size: tuple[int, int], how: str) -> Tensor:
    """A table of positions [1, h, w, width] for `size` patches, `bicubic` or `bilinear`.

    `bicubic` is DINOv2's: sampled at steps of h / (H + 0.1), not quite from border to border.
    """
    if size == table.shape[1:3]:
        return table
    maps = table.permute(0, 3, 1, 2)
    if how == "bilinear":
        maps = F.interpolate(maps, size, mode="bilinear")
    else:
        factors = [(new + 0.1) / old for new, old in zip(size, table.shape[1:3], strict=True)]
        maps = F.interpolate(maps, scale_factor=factors, mode="bicubic")
    return maps.permute(0, 2, 3, 1)
