"""Deformable attention's sampling as Triton kernels, forward and backward, for CUDA devices.

Forward and backward read the same three tensors (values, locations, weights) and nothing else is
kept between them: the backward pass samples again. Sums are in float32 whatever the values are in.
Gradients of the values are added by atomic operations, whose order differs from call to call: equal
inputs give them equal but for rounding. `deformable_attention` has the order fixed.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK_Q = 16
"""Queries a program samples for, of one head: with 32 channels a head, one read of 16 bytes a
thread. Compiled for sm_80, the backward pass then takes 128 registers a thread; with 32 queries it
takes 214."""


@triton.jit
def forward_kernel(  # type: ignore[no-untyped-def]
    value,  # [B, S, H, D]
    geometry,  # int32 [3, L]: heights, widths, first cells
    locations,  # float32 [B, Q, H, L, P, 2]
    weights,  # [B, Q, H, L, P]
    out,  # [B, Q, H, D], of the values' type
    S,
    Q,
    H: tl.constexpr,
    L: tl.constexpr,
    P: tl.constexpr,
    D: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_Q: tl.constexpr,
):
    image = (tl.program_id(1) // H).to(tl.int64)
    head = tl.program_id(1) % H
    query = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    channel = tl.arange(0, BLOCK_D)
    asked = query < Q
    of_head = (channel < D)[None, :]
    # 64 bits for where an image begins, 32 for what lies inside it
    value += (image * S * H + head) * D
    locations += (image * Q * H + head) * (L * P * 2)
    weights += (image * Q * H + head) * (L * P)
    total = tl.full([BLOCK_Q, BLOCK_D], 0.0, tl.float32)
    for level in range(L):
        height = tl.load(geometry + level)
        width = tl.load(geometry + L + level)
        first = tl.load(geometry + 2 * L + level)
        for point in range(P):
            place = query * (H * L * P) + level * P + point
            x = tl.load(locations + 2 * place, mask=asked, other=0.0) * width - 0.5
            y = tl.load(locations + 2 * place + 1, mask=asked, other=0.0) * height - 0.5
            weight = tl.load(weights + place, mask=asked, other=0.0).to(tl.float32)
            left, top = tl.floor(x), tl.floor(y)
            right_share, lower_share = x - left, y - top
            column, line = left.to(tl.int32), top.to(tl.int32)
            for corner in tl.static_range(4):
                c, r = column + corner % 2, line + corner // 2
                x_share = right_share if corner % 2 else 1 - right_share
                y_share = lower_share if corner // 2 else 1 - lower_share
                inside = asked & (c >= 0) & (c < width) & (r >= 0) & (r < height)
                at = ((first + r * width + c) * (H * D))[:, None] + channel[None, :]
                read = tl.load(value + at, mask=inside[:, None] & of_head, other=0.0)
                total += (weight * y_share * x_share)[:, None] * read.to(tl.float32)
    out += (image * Q * H + head) * D
    at = (query * (H * D))[:, None] + channel[None, :]
    tl.store(out + at, total.to(out.dtype.element_ty), mask=asked[:, None] & of_head)


@triton.jit
def backward_kernel(  # type: ignore[no-untyped-def]
    value,  # [B, S, H, D]
    geometry,  # int32 [3, L]
    locations,  # float32 [B, Q, H, L, P, 2]
    weights,  # [B, Q, H, L, P]
    grad,  # [B, Q, H, D]
    grad_value,  # float32 [B, S, H, D], zeros
    grad_locations,  # float32 [B, Q, H, L, P, 2]
    grad_weights,  # [B, Q, H, L, P]
    S,
    Q,
    H: tl.constexpr,
    L: tl.constexpr,
    P: tl.constexpr,
    D: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_Q: tl.constexpr,
    OF_VALUE: tl.constexpr,
):
    image = (tl.program_id(1) // H).to(tl.int64)
    head = tl.program_id(1) % H
    query = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    channel = tl.arange(0, BLOCK_D)
    asked = query < Q
    of_head = (channel < D)[None, :]
    # 64 bits for where an image begins, 32 for what lies inside it
    value += (image * S * H + head) * D
    locations += (image * Q * H + head) * (L * P * 2)
    weights += (image * Q * H + head) * (L * P)
    grad_value += (image * S * H + head) * D
    grad_locations += (image * Q * H + head) * (L * P * 2)
    grad_weights += (image * Q * H + head) * (L * P)
    grad += (image * Q * H + head) * D
    at = (query * (H * D))[:, None] + channel[None, :]
    given = tl.load(grad + at, mask=asked[:, None] & of_head, other=0.0).to(tl.float32)
    for level in range(L):
        height = tl.load(geometry + level)
        width = tl.load(geometry + L + level)
        first = tl.load(geometry + 2 * L + level)
        for point in range(P):
            place = query * (H * L * P) + level * P + point
            x = tl.load(locations + 2 * place, mask=asked, other=0.0) * width - 0.5
            y = tl.load(locations + 2 * place + 1, mask=asked, other=0.0) * height - 0.5
            weight = tl.load(weights + place, mask=asked, other=0.0).to(tl.float32)
            left, top = tl.floor(x), tl.floor(y)
            right_share, lower_share = x - left, y - top
            column, line = left.to(tl.int32), top.to(tl.int32)
            by_weight = tl.full([BLOCK_Q], 0.0, tl.float32)
            by_x = tl.full([BLOCK_Q], 0.0, tl.float32)
            by_y = tl.full([BLOCK_Q], 0.0, tl.float32)
            for corner in tl.static_range(4):
                c, r = column + corner % 2, line + corner // 2
                x_share = right_share if corner % 2 else 1 - right_share
                y_share = lower_share if corner // 2 else 1 - lower_share
                inside = asked & (c >= 0) & (c < width) & (r >= 0) & (r < height)
                at = ((first + r * width + c) * (H * D))[:, None] + channel[None, :]
                here = inside[:, None] & of_head
                read = tl.load(value + at, mask=here, other=0.0).to(tl.float32)
                product = tl.sum(given * read, axis=1)
                by_weight += product * y_share * x_share
                by_x += product * y_share * (1 if corner % 2 else -1)
                by_y += product * x_share * (1 if corner // 2 else -1)
                if OF_VALUE:
                    share = (weight * y_share * x_share)[:, None]
                    tl.atomic_add(grad_value + at, share * given, mask=here, sem="relaxed")
            tl.store(grad_weights + place, by_weight.to(grad_weights.dtype.element_ty), mask=asked)
            tl.store(grad_locations + 2 * place, by_x * weight * width, mask=asked)
            tl.store(grad_locations + 2 * place + 1, by_y * weight * height, mask=asked)


class TritonSampling(torch.autograd.Function):
    """`deformable_attention` by the kernels above; `geometry` is int32 [3, L], see there."""

    @staticmethod
    def forward(
        ctx: Any, value: Tensor, geometry: Tensor, locations: Tensor, weights: Tensor
    ) -> Tensor:
        value, locations, weights = (x.contiguous() for x in (value, locations, weights))
        ctx.save_for_backward(value, geometry, locations, weights)
        B, S, H, D = value.shape
        Q = locations.shape[1]
        out = value.new_empty(B, Q, H * D)
        forward_kernel[_grid(B, Q, H)](
            value, geometry, locations, weights, out, S, Q, **_sizes(value, locations)
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, Tensor, Tensor]:
        value, geometry, locations, weights = ctx.saved_tensors
        B, S, H = value.shape[:3]
        Q = locations.shape[1]
        of_value = ctx.needs_input_grad[0]
        # half precision would lose most of a sum of hundreds of small terms
        grad_value = torch.zeros(value.shape if of_value else (1,), device=value.device)
        grad_locations, grad_weights = torch.empty_like(locations), torch.empty_like(weights)
        backward_kernel[_grid(B, Q, H)](
            value, geometry, locations, weights, grad.contiguous(),
            grad_value, grad_locations, grad_weights, S, Q,
            OF_VALUE=of_value, **_sizes(value, locations),
        )  # fmt: skip
        return grad_value.to(value.dtype) if of_value else None, None, grad_locations, grad_weights


def _grid(images: int, queries: int, heads: int) -> tuple[int, int]:
    return triton.cdiv(queries, BLOCK_Q), images * heads


def _sizes(value: Tensor, locations: Tensor) -> dict[str, int]:
    _, _, H, D = value.shape
    return {
        "H": H,
        "L": locations.shape[3],
        "P": locations.shape[4],
        "D": D,
        "BLOCK_D": triton.next_power_of_2(D),
        "BLOCK_Q": BLOCK_Q,
    }
