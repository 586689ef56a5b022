"""Memory-efficient attention inside timm's vision transformers."""

import contextlib
from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gdsweep.model.attention import attention


def attend_by(net: Any, backend: str) -> None:
    """Have the attention layers of a plain timm transformer use `attention` with `backend`.

    timm projects, normalises and rotates as it does; only what computes the attention itself is
    another function, so every kind of layer is covered (ViT, DINOv2, DeiT, DINOv3). On a CPU `auto`
    leaves everything to timm, and so does compiled code, which has operators of its own.
    """
    if backend == "sdpa":
        return
    for module in net.modules():
        if hasattr(module, "fused_attn"):
            module.attention_backend = backend
            # bound, so that a copy of the network has its own
            module.forward = MethodType(_redirected, module)


def _redirected(module: Any, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
    forward = type(module).forward
    backend = module.attention_backend
    if torch.compiler.is_compiling() or (backend == "auto" and not x.is_cuda):
        context: Any = contextlib.nullcontext()
    else:
        context = _Redirection(backend)
    with context:
        found: Tensor = forward(module, x, *arguments, **options)
    return found


class _Redirection(TorchFunctionMode):
    """Within it, PyTorch's scaled dot product is `attention`, where that can do the same."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.backend = backend

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **kwargs)
        query, key, value = args
        mask = kwargs.get("attn_mask")
        others = kwargs.get("dropout_p", 0.0) > 0 or kwargs.get("is_causal", False)
        one_for_all_heads = mask is None or (mask.dtype == torch.bool and mask.shape[1] == 1)
        if others or not one_for_all_heads:
            return func(*args, **kwargs)
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        found = attention(query, key, value, None if mask is None else mask[:, 0], self.backend)
        return found.transpose(1, 2)
