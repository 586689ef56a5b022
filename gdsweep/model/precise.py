"""What must not be computed in half precision."""

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32, or as it is in float64, in which implementations are compared."""
    return x if x.dtype == torch.float64 else x.float()
