"""Multi-scale deformable attention (Zhu et al., Deformable DETR, 2021).

In plain PyTorch, the reference and what runs on a CPU, and by Triton's kernels on CUDA.
"""

import functools
import importlib.util
import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gdsweep.model.operator_choice import choose
from gdsweep.model.precise import at_least_float32, full_precision

Shapes = Sequence[tuple[int, int]]
"""Height and width of each level, as Python ints: reading them never waits for a GPU."""


def deformable_attention(
    value: Tensor,
    shapes: Shapes,
    locations: Tensor,
    weights: Tensor,
    backend: str = "auto",
) -> Tensor:
    """Sum a few bilinear samples per query, head and level.

    What autograd keeps for the backward pass are the three tensors themselves: their samples are
    taken again there, by either operator.

    Args:
        value: [B, S, heads, d], the levels' maps flattened one after another.
        shapes: (height, width) of each level.
        locations: [B, Q, heads, levels, points, 2], (x, y) with 0..1 spanning the map's borders;
            in float32 at least: half precision is too coarse for them.
        weights: [B, Q, heads, levels, points].
        backend: see `deformable_operator`.

    Returns:
        [B, Q, heads * d], of the values' type.

    Raises:
        BadInput: `triton` where it cannot run.
    """
    if deformable_operator(backend, value) == "triton":
        from gdsweep.model.deformable_triton import TritonSampling

        geometry = torch.cat(_geometry(shapes, value.device), 1).T.contiguous()
        out: Tensor = TritonSampling.apply(value, geometry, locations.float(), weights)
        return out
    out = _Sampling.apply(at_least_float32(value), locations, weights.to(locations.dtype), shapes)
    return out.to(value.dtype)


def deformable_operator(backend: str, value: Tensor) -> str:
    """Which operator samples from `value`: `triton` or `pytorch`.

    `auto` takes Triton's kernels on CUDA where Triton is installed, unless PyTorch's deterministic
    algorithms are switched on: the kernels add gradients in any order. They compute in float32, so
    float64 is left to PyTorch, the reference.

    Raises:
        BadInput: `triton` where it cannot run, or an unknown name.
    """
    lacking = functools.partial(_lacking_for_triton, value)
    return choose("resources.deformable_attention", backend, "triton", "pytorch", lacking)


def _lacking_for_triton(value: Tensor) -> str | None:
    if not value.is_cuda:
        return "has no CPU operator"
    if torch.version.hip is not None or not triton_is_installed():
        return "is not installed for this device"
    if value.dtype == torch.float64:
        return "has no operator for float64"
    if torch.are_deterministic_algorithms_enabled():
        return "adds gradients in any order, which resources.deterministic excludes"
    return None


@functools.cache
def triton_is_installed() -> bool:
    """Whether Triton can be imported; it comes with PyTorch on Linux."""
    return importlib.util.find_spec("triton") is not None


class _Sampling(torch.autograd.Function):
    """The samples by one weighted `embedding_bag`, in plain PyTorch.

    A bilinear sample is a weighted sum of four cells, so each output is one weighted sum of
    4 * levels * points rows of values; shares are bilinear coefficient times attention weight, and
    zero for cells outside the map. Gradients reach locations and weights through them.

    The gradient of the values is an embedding bag too, of the output's gradient: where torch adds
    to rows one by one, this sorts by row first, which also makes it deterministic on CUDA.
    """

    @staticmethod
    def forward(
        ctx: Any, value: Tensor, locations: Tensor, weights: Tensor, shapes: Shapes
    ) -> Tensor:
        ctx.save_for_backward(value, locations, weights)
        ctx.shapes = shapes
        B, S, heads, d = value.shape
        rows, shares = _rows_and_shares(locations, weights, shapes, S)
        table = value.reshape(B * S * heads, d)
        found = F.embedding_bag(rows, table, per_sample_weights=shares, mode="sum")
        return found.view(B, locations.shape[1], heads * d)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        value, locations, weights = ctx.saved_tensors
        B, S, heads, d = value.shape
        table, grad = value.reshape(B * S * heads, d), grad.reshape(-1, d)
        of_value, *needs = ctx.needs_input_grad[:3]
        with torch.enable_grad():
            locations = locations.detach().requires_grad_(needs[0])
            weights = weights.detach().requires_grad_(needs[1])
            rows, shares = _rows_and_shares(locations, weights, ctx.shapes, S)
        grads: list[Tensor | None] = [None, None, None]
        if of_value:
            grads[0] = _grad_of_rows(len(table), rows, shares.detach(), grad).view_as(value)
        if any(needs):
            leaves = [x for x in (locations, weights) if x.requires_grad]
            grad_shares = _grad_of_shares(table, rows, grad)
            found = iter(torch.autograd.grad(shares, leaves, grad_shares))
            grads[1:] = [next(found) if needed else None for needed in needs]
        return *grads, None


def _rows_and_shares(
    locations: Tensor, weights: Tensor, shapes: Shapes, S: int
) -> tuple[Tensor, Tensor]:
    # rows (int32) of value [B * S * heads, d] and shares, [B * Q * heads, 4 * levels * points]
    B, Q, heads = weights.shape[:3]
    device = weights.device
    # one number per head, level and point: broadcasting then runs along whole rows
    heights, widths, starts = (
        x.expand(heads, -1, weights.shape[-1]).contiguous() for x in _geometry(shapes, device)
    )
    columns, x_shares = _neighbours(locations[..., 0], widths)
    rows, y_shares = _neighbours(locations[..., 1], heights)
    # (image * S + cell) * heads + head
    image = torch.arange(B, device=device, dtype=torch.int32) * (S * heads)
    head = torch.arange(heads, device=device, dtype=torch.int32)
    first = starts * heads + head.view(heads, 1, 1) + image.view(B, 1, 1, 1, 1)
    lines = [first + row * (widths * heads) for row in rows]
    places = [line + column * heads for line in lines for column in columns]
    y_shares = [share * weights for share in y_shares]
    shares = [y * x for y in y_shares for x in x_shares]
    return (
        torch.stack(places, 3).view(B * Q * heads, -1),
        torch.stack(shares, 3).view(B * Q * heads, -1),
    )


def _neighbours(location: Tensor, length: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    # the two cells round a coordinate, and the share of each: 0 where there is no such cell.
    # Cell centres lie at integers, as in grid_sample without align_corners
    at = location * length - 0.5
    before = at.detach().floor()
    after_share = at - before
    cell = before.int()
    cells, shares = [], []
    for neighbour, share in ((cell, 1 - after_share), (cell + 1, after_share)):
        inside = neighbour.clamp(min=0).minimum(length - 1)
        cells.append(inside)
        shares.append(share * (inside == neighbour))
    return cells, shares


def _grad_of_rows(count: int, rows: Tensor, shares: Tensor, grad: Tensor) -> Tensor:
    # of `count` rows, of which `rows` and `shares` [N, K] made sums with gradients [N, d]
    ordered, order = rows.flatten().sort(stable=True)
    every = torch.arange(count, device=rows.device, dtype=torch.int32)
    return F.embedding_bag(
        order.div(rows.shape[1], rounding_mode="floor"),
        grad,
        offsets=torch.searchsorted(ordered, every),
        per_sample_weights=shares.flatten()[order],
        mode="sum",
    )


def _grad_of_shares(table: Tensor, rows: Tensor, grad: Tensor) -> Tensor:
    # the dot products of each row and its sum's gradient: torch's own gradient of `embedding_bag`,
    # which autograd could be asked for only by taking the sums again
    N, K = rows.shape
    offsets = torch.arange(0, N * K, K, device=rows.device, dtype=rows.dtype)
    bags = torch.arange(N, device=rows.device, dtype=rows.dtype).repeat_interleave(K)
    found: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        grad, table, rows.flatten(), offsets, bags, 0
    )
    return found.view(N, K)


class DeformableAttention(nn.Module):
    """Deformable self-attention over feature maps; initialised as in Deformable DETR."""

    def __init__(
        self, dim: int, heads: int, levels: int, points: int, backend: str = "auto"
    ) -> None:
        super().__init__()
        self.backend = backend
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(dim, heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, heads * levels * points)
        self.value_proj = nn.Linear(dim, dim)
        self.output_proj = nn.Linear(dim, dim)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Look in one direction per head, one cell further with each point, equally weighted."""
        nn.init.zeros_(self.sampling_offsets.weight)
        angles = torch.arange(self.heads) * (2 * math.pi / self.heads)
        directions = torch.stack([angles.cos(), angles.sin()], -1)
        directions = directions / directions.abs().amax(-1, keepdim=True)  # on the unit square
        steps = torch.arange(1, self.points + 1)
        offsets = directions.view(self.heads, 1, 1, 2) * steps.view(1, 1, -1, 1)
        bias = offsets.expand(self.heads, self.levels, self.points, 2)
        self.sampling_offsets.bias.copy_(bias.flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for projection in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(self, query: Tensor, value: Tensor, shapes: Shapes, references: Tensor) -> Tensor:
        """Attend from `query` [B, Q, dim] to maps `value` [B, S, dim] round `references` [Q, 2].

        References are (x, y) in 0..1; offsets count cells of the level they are taken on.
        """
        B, Q = query.shape[:2]
        split = (self.heads, self.levels, self.points)
        heights, widths, _ = _geometry(shapes, query.device)
        sizes = torch.stack([widths, heights], -1)  # [levels, 1, 2]
        with full_precision(query):
            offsets = self.sampling_offsets(at_least_float32(query)).view(B, Q, *split, 2)
        locations = references.view(1, Q, 1, 1, 1, 2) + offsets / sizes
        weights = self.attention_weights(query).view(B, Q, self.heads, -1).softmax(-1)
        values = self.value_proj(value).unflatten(-1, (self.heads, -1))
        found = deformable_attention(
            values, shapes, locations, weights.view(B, Q, *split), self.backend
        )
        out: Tensor = self.output_proj(found)
        return out


def reference_points(
    shapes: Shapes, device: torch.device, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Centres of all cells of all levels, (x, y) in 0..1: [sum of height * width, 2]."""
    levels = []
    for height, width in shapes:
        y = (torch.arange(height, device=device, dtype=dtype) + 0.5) / height
        x = (torch.arange(width, device=device, dtype=dtype) + 0.5) / width
        levels.append(torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).flatten(0, 1))
    return torch.cat(levels)


def _geometry(shapes: Shapes, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    # heights, widths and first cells of the levels, each [levels, 1]
    heights, widths = zip(*shapes, strict=True)
    starts = [sum(h * w for h, w in shapes[:level]) for level in range(len(shapes))]
    made = torch.tensor([heights, widths, starts], dtype=torch.int32)
    if device.type == "cuda":
        made = made.pin_memory().to(device, non_blocking=True)  # no wait for the GPU
    heights_, widths_, starts_ = made.unsqueeze(-1)
    return heights_, widths_, starts_
