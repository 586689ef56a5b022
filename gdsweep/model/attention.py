"""Attention by the fastest operator at hand; the weights themselves are never needed."""

import functools
import importlib.util
from types import ModuleType

import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep.errors import BadInput

BACKENDS = ("auto", "xformers", "sdpa")


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
        backend: `auto` takes xformers' memory-efficient attention on CUDA where it is installed
            and d is a multiple of 8, else PyTorch's; `xformers` and `sdpa` insist on one.

    Returns:
        [B, L, heads, d].

    Raises:
        BadInput: `xformers` on a CPU, or where it is not installed.
    """
    if _with_xformers(query, backend):
        ops = _xformers_ops()
        assert ops is not None
        bias = None if mask is None else _aligned_bias(mask, query)
        out: Tensor = ops.memory_efficient_attention(query, key, value, attn_bias=bias)
        return out
    attended = F.scaled_dot_product_attention(
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=None if mask is None else mask[:, None],
    )
    return attended.transpose(1, 2)


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


def _with_xformers(query: Tensor, backend: str) -> bool:
    if backend == "sdpa":
        return False
    if backend == "xformers":
        if not query.is_cuda:
            raise BadInput(
                "resources.attention: xformers has no CPU operator; use auto or sdpa on a CPU"
            )
        if _xformers_ops() is None:
            raise BadInput(
                "resources.attention: xformers is not installed or has no CUDA operator here; "
                "use auto or sdpa, or pip install xformers"
            )
        return True
    if backend != "auto":
        raise BadInput(f"resources.attention: {backend!r} is not one of {', '.join(BACKENDS)}")
    return query.is_cuda and query.shape[-1] % 8 == 0 and _xformers_ops() is not None


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
    # xformers wants an additive bias per head whose rows start at multiples of 8 elements
    B, L, S = mask.shape
    storage = query.new_zeros(B, 1, L, (S + 7) // 8 * 8)
    bias = storage[..., :S].masked_fill_(~mask[:, None], float("-inf"))
    return bias.expand(B, query.shape[2], L, S)
