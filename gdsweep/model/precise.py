"""What must not be computed in half precision."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32, or as it is in float64, in which implementations are compared."""
    return x if x.dtype == torch.float64 else x.float()


def full_precision(x: Tensor) -> AbstractContextManager[Any]:
    """Autocast switched off on the device of `x`.

    Tensors without content, on which FLOPs are counted, have no autocast.
    """
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
