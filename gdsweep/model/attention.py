"""Attention by the fastest operator at hand; the weights themselves are never needed."""

import contextlib
import functools
import importlib.util
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gdsweep.model.operator_choice import choose


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, backend: str = "auto"
) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: [B, L, heads, d].
        key: [B, S, heads, d].
        value: [B, S, heads, d].
        mask: bool [B, L, S], true where a query may look; each row has at least one true. None
            lets every query look everywhere.
        backend: see `attention_operator`.

    Returns:
        [B, L, heads, d].

    Raises:
        BadInput: `xformers` where it cannot run.
    """
    if attention_operator(backend, query) == "xformers":
        ops = _xformers_ops()
        assert ops is not None
        bias = None if mask is None else _aligned_bias(mask, query)
        out: Tensor = ops.memory_efficient_attention(query, key, value, attn_bias=bias)
        return out
    with _kernels(query):
        attended = F.scaled_dot_product_attention(
            query.transpose(1, 2),
            key.transpose(1, 2),
            value.transpose(1, 2),
            attn_mask=None if mask is None else mask[:, None],
        )
    return attended.transpose(1, 2)


def attention_operator(backend: str, query: Tensor) -> str:
    """Which operator attends from `query` [..., d]: `xformers` or `sdpa`.

    `auto` takes xformers' memory-efficient attention on CUDA where it is installed, its kernels
    take d, number type and card, and PyTorch's deterministic algorithms are not switched on: its
    backward pass adds in any order. Everywhere else, and for `sdpa`, it is PyTorch's.

    Raises:
        BadInput: `xformers` where it cannot run, or an unknown name.
    """
    lacking = functools.partial(_lacking_for_xformers, query)
    return choose("resources.attention", backend, "xformers", "sdpa", lacking)


class MultiheadAttention(nn.Module):
    """Projections around `attention`, laid out and initialised as `torch.nn.MultiheadAttention`."""

    def __init__(self, dim: int, heads: int, backend: str = "auto") -> None:
        super().__init__()
        self.heads = heads
        self.backend = backend
        self.in_proj = nn.Linear(dim, 3 * dim)  # query, key and value, stacked
        self.out_proj = nn.Linear(dim, dim)
        for projection in (self.in_proj, self.out_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Attend from query [B, L, dim] to key and value [B, S, dim]; `mask` as in `attention`."""
        weights, biases = self.in_proj.weight.chunk(3), self.in_proj.bias.chunk(3)
        q, k, v = (
            F.linear(x, weight, bias).unflatten(-1, (self.heads, -1))
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        out: Tensor = self.out_proj(attention(q, k, v, mask, self.backend).flatten(-2))
        return out


def _lacking_for_xformers(query: Tensor) -> str | None:
    if not query.is_cuda:
        return "has no CPU operator"
    if _xformers_ops() is None:
        return "is not installed or has no CUDA operator here (pip install xformers)"
    if query.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return f"has no operator for {str(query.dtype).removeprefix('torch.')}"
    if query.shape[-1] % 8:
        return f"needs a multiple of 8 channels a head, not {query.shape[-1]}"
    card = torch.cuda.get_device_capability(query.device)
    if card > _newest_card():
        return f"has no operator for compute capability {card[0]}.{card[1]}"
    if query.dtype == torch.bfloat16 and card < (8, 0):
        return "has no operator for bfloat16 on this card"
    if torch.are_deterministic_algorithms_enabled():
        return "adds gradients in any order, which resources.deterministic excludes"
    return None


def _kernels(query: Tensor) -> Any:
    # of PyTorch's, only these two repeat their gradients bit for bit on CUDA
    if query.is_cuda and torch.are_deterministic_algorithms_enabled():
        return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH])
    return contextlib.nullcontext()


def _newest_card() -> tuple[int, int]:
    from xformers.ops.fmha import cutlass

    newest: tuple[int, int] = cutlass.FwOp.CUDA_MAXIMUM_COMPUTE_CAPABILITY
    return newest


@functools.cache
def _xformers_ops() -> ModuleType | None:
    # imported when first wanted: it is slow to import and of no use on a CPU
    if importlib.util.find_spec("xformers") is None:
        return None
    try:
        from xformers import ops
        from xformers.ops.fmha import cutlass
    except (ImportError, OSError):  # a build for another torch or CUDA
        return None
    # only the CUTLASS kernels take a mask
    return ops if cutlass.FwOp.is_available() and cutlass.BwOp.is_available() else None


def _aligned_bias(mask: Tensor, query: Tensor) -> Tensor:
    # xformers wants an additive bias per head whose rows start at multiples of 8 elements; heads
    # read one copy of it, by a stride of zero
    B, L, S = mask.shape
    storage = query.new_zeros(B, 1, L, (S + 7) // 8 * 8)
    bias = storage[..., :S].masked_fill_(~mask[:, None], float("-inf"))
    return bias.expand(B, query.shape[2], L, S)
