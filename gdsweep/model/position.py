"""Sine position encoding of feature maps."""

import math

import torch
from torch import Tensor


def sine_position(
    height: int,
    width: int,
    channels: int,
    device: torch.device,
    temperature: float = 1e4,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """DETR's two-dimensional sine encoding (Carion et al., 2020), in float32 or better.

    Cells are counted from 1 and normalised to 2 pi; the first half of the channels encodes y, the
    second x, sines and cosines alternating. `channels` is a multiple of 4.

    Returns:
        [height * width, channels], rows of the map one after another.
    """
    half = channels // 2
    exponents = torch.arange(half, device=device).div(2, rounding_mode="floor") * 2
    frequencies = temperature ** (exponents.to(dtype) / half)

    def encode(length: int) -> Tensor:
        cells = torch.arange(1, length + 1, device=device, dtype=dtype)
        angles = (cells / (length + 1e-6) * (2 * math.pi))[:, None] / frequencies
        return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], -1).flatten(1)

    y = encode(height)
    x = y if width == height else encode(width)
    y = y[:, None].expand(height, width, half)
    x = x[None, :].expand(height, width, half)
    return torch.cat([y, x], -1).flatten(0, 1)
