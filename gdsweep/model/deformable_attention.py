"""Multi-scale deformable attention (Zhu et al., Deformable DETR, 2021) in plain PyTorch."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Shapes = Sequence[tuple[int, int]]
"""Height and width of each level, as Python ints: reading them never waits for a GPU."""


def deformable_attention(
    value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor
) -> Tensor:
    """Sum a few bilinear samples per query, head and level, by one weighted `embedding_bag`.

    A bilinear sample is a weighted sum of four cells, so each output is one weighted sum of
    4 * levels * points rows of `value`; weights are bilinear coefficient times attention weight,
    and zero for cells outside the map. Gradients reach the locations through them.

    Args:
        value: [B, S, heads, d], the levels' maps flattened one after another.
        shapes: (height, width) of each level.
        locations: [B, Q, heads, levels, points, 2], (x, y) with 0..1 spanning the map's borders.
        weights: [B, Q, heads, levels, points].

    Returns:
        [B, Q, heads * d].
    """
    B, S, heads, d = value.shape
    Q = locations.shape[1]
    # one number per head, level and point: broadcasting then runs along whole rows
    heights, widths, starts = (
        x.expand(heads, -1, weights.shape[-1]).contiguous() for x in _geometry(shapes, value.device)
    )
    columns, x_shares = _neighbours(locations[..., 0], widths)
    rows, y_shares = _neighbours(locations[..., 1], heights)
    # row of value [B * S * heads, d]: (image * S + cell) * heads + head
    image = torch.arange(B, device=value.device, dtype=torch.int32) * (S * heads)
    head = torch.arange(heads, device=value.device, dtype=torch.int32)
    first = starts * heads + head.view(heads, 1, 1) + image.view(B, 1, 1, 1, 1)
    lines = [first + row * (widths * heads) for row in rows]
    places = [line + column * heads for line in lines for column in columns]
    y_shares = [share * weights for share in y_shares]
    shares = [y * x for y in y_shares for x in x_shares]
    out = _WeightedRowSums.apply(
        value.reshape(B * S * heads, d),
        torch.stack(places, 3).view(B * Q * heads, -1),
        torch.stack(shares, 3).view(B * Q * heads, -1),
    )
    found: Tensor = out.view(B, Q, heads * d)
    return found


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


class _WeightedRowSums(torch.autograd.Function):
    """`F.embedding_bag` with a faster gradient of its rows.

    That gradient is an embedding bag too, of the output's gradient: where torch adds to rows one by
    one, this sorts by row first, which also makes it deterministic on CUDA.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, shares: Tensor) -> Tensor:
        # table [R, d]; rows (int32) and shares [N, K] -> [N, d]
        ctx.save_for_backward(table, rows, shares)
        return F.embedding_bag(rows, table, per_sample_weights=shares, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        table, rows, shares = ctx.saved_tensors
        grad = grad.contiguous()
        grad_table = grad_shares = None
        if ctx.needs_input_grad[0]:
            ordered, order = rows.flatten().sort(stable=True)
            every = torch.arange(len(table), device=rows.device, dtype=torch.int32)
            grad_table = F.embedding_bag(
                order.div(rows.shape[1], rounding_mode="floor"),
                grad,
                offsets=torch.searchsorted(ordered, every),
                per_sample_weights=shares.flatten()[order],
                mode="sum",
            )
        if ctx.needs_input_grad[2]:
            with torch.enable_grad():
                leaf = shares.detach().requires_grad_()
                again = F.embedding_bag(rows, table, per_sample_weights=leaf, mode="sum")
            (grad_shares,) = torch.autograd.grad(again, leaf, grad)
        return grad_table, None, grad_shares


class DeformableAttention(nn.Module):
    """Deformable self-attention over feature maps; initialised as in Deformable DETR."""

    def __init__(self, dim: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
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
        offsets = self.sampling_offsets(query).view(B, Q, *split, 2)
        locations = references.view(1, Q, 1, 1, 1, 2) + offsets / sizes
        weights = self.attention_weights(query).view(B, Q, self.heads, -1).softmax(-1)
        values = self.value_proj(value).unflatten(-1, (self.heads, -1))
        found = deformable_attention(values, shapes, locations, weights.view(B, Q, *split))
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
