"""Swin's windows where they do not divide a map: padded before they shift, as in Mask2Former.

timm pads after shifting. Published Mask2Former weights were trained, and all of COCO's image sizes
are tested, with the other order; the maps differ at the right and bottom border, and with global
attention behind them everywhere.
"""

import types
from typing import Any

import torch.nn.functional as F
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn


def pad_before_shift(net: nn.Module) -> None:
    """Make every block of a Swin v1 of timm pad its map to whole windows before shifting them."""
    for module in net.modules():
        if isinstance(module, SwinTransformerBlock):
            # a bound method: a deep copy of the network (a teacher) gets one bound to the copy
            block: Any = module
            block._attn = types.MethodType(_padded_attention, module)


def _padded_attention(self: Any, x: Tensor) -> Tensor:
    # x [B, H, W, C], normalised
    height, width = x.shape[1:3]
    down, right = (
        -side % window for side, window in zip((height, width), self.window_size, strict=True)
    )
    out: Tensor = type(self)._attn(self, F.pad(x, (0, 0, 0, right, 0, down)))
    return out[:, :height, :width]
