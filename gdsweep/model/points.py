"""Masks compared at sampled points instead of everywhere (PointRend, Kirillov et al., 2020)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.model.deformable_attention import deformable_attention
from gdsweep.model.transfer import to_device

Draw = Callable[[int, int, int], Tensor]
"""Source of sample points: (image of the batch, sets, points per set) -> [sets, points, 2], (x, y)
uniform in 0..1 of the padded canvas. The criterion asks, per image that has targets, for one set to
match at, then for candidate sets, then for uniform sets, one a pair of prediction and target."""


def uniform_points(device: torch.device) -> Draw:
    """Points from the device's global generator."""

    def draw(image: int, sets: int, points: int) -> Tensor:
        return torch.rand(sets, points, 2, device=device)

    return draw


def seeded_points(seeds: Sequence[int], device: torch.device) -> Draw:
    """Points that depend on one seed per image alone, however images are grouped into batches."""
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def draw(image: int, sets: int, points: int) -> Tensor:
        return torch.rand(sets, points, 2, device=device, generator=generators[image])

    return draw


def sample_maps(maps: Tensor, points: Tensor) -> Tensor:
    """Read maps [N, K, h, w] bilinearly at points [N, P, 2], zero outside: [N, K, P].

    Differentiable in the maps.
    """
    if maps.is_cuda and torch.are_deterministic_algorithms_enabled():
        return _sampled_in_order(maps, points)
    read = F.grid_sample(maps, 2 * points.unsqueeze(1) - 1, mode="bilinear", align_corners=False)
    return read.squeeze(2)


def _sampled_in_order(maps: Tensor, points: Tensor) -> Tensor:
    # `grid_sample` adds gradients in any order on CUDA; sampling for one head, level and point does
    # the same sums in a fixed order
    value = maps.flatten(2).transpose(1, 2).unsqueeze(2)  # [N, h * w, 1, K]
    locations = points[:, :, None, None, None]
    weights = torch.ones_like(locations[..., 0])
    shapes = [(maps.shape[-2], maps.shape[-1])]
    return deformable_attention(value, shapes, locations, weights, "pytorch").transpose(1, 2)


@dataclass(frozen=True)
class TargetMasks:
    """Boolean masks of a batch, of any sizes, to be read at points of the padded canvas.

    They are read where they lie: float copies of full-resolution masks would be large.
    """

    cells: Tensor
    """Bool, all masks' cells one after another."""
    first: Tensor
    """Long [n]: the first cell of each mask."""
    size: Tensor
    """Long [n, 2]: width and height of each mask in cells."""
    canvas: Tensor
    """Float32 [n, 2]: width and height of the canvas in cells of each mask."""

    @classmethod
    def of(cls, masks: Sequence[Tensor], canvases: Sequence[tuple[float, float]]) -> "TargetMasks":
        """Masks [n_i, h_i, w_i] per image; the canvas' (width, height) in cells of those masks."""
        rows, first = [], 0
        for image, canvas in zip(masks, canvases, strict=True):
            height, width = image.shape[-2:]
            for _ in range(len(image)):
                rows.append((first, width, height, *canvas))
                first += width * height
        # float64 holds every whole number here, so that all of it is one copy
        geometry = to_device(torch.tensor(rows, dtype=torch.float64), masks[0].device)
        return cls(
            cells=torch.cat([image.flatten() for image in masks]),
            first=geometry[:, 0].long(),
            size=geometry[:, 1:3].long(),
            canvas=geometry[:, 3:].float(),
        )

    def read(self, chosen: Tensor, points: Tensor) -> Tensor:
        """Read masks `chosen` [N] bilinearly at points [N, P, 2] of the canvas, zero outside.

        Returns:
            float32 [N, P].
        """
        at = points * self.canvas[chosen].unsqueeze(1) - 0.5
        before = at.floor()
        (column, row), after = before.long().unbind(-1), at - before
        (width, height), first = self.size[chosen].T.unsqueeze(-1), self.first[chosen].unsqueeze(1)
        lines = []
        for y, share in ((row, 1 - after[..., 1]), (row + 1, after[..., 1])):
            inside = y.clamp(min=0).minimum(height - 1)
            lines.append((first + inside * width, share * (y == inside)))
        total = torch.zeros_like(after[..., 0])
        for x, share in ((column, 1 - after[..., 0]), (column + 1, after[..., 0])):
            inside = x.clamp(min=0).minimum(width - 1)
            share = share * (x == inside)
            for start, line_share in lines:
                total += share * line_share * self.cells[start + inside]
        return total


@torch.no_grad()
def least_certain(logits: Tensor, candidates: Tensor, count: int) -> Tensor:
    """Candidates where a mask is least certain: smallest absolute logit (PointRend, sec. 3.1).

    Args:
        logits: [N, h, w], one map per set of candidates.
        candidates: [N, M, 2].
        count: points kept per set, at most M.

    Returns:
        [N, count, 2].
    """
    certainty = sample_maps(logits.unsqueeze(1), candidates).squeeze(1).abs()
    kept = certainty.topk(count, dim=1, largest=False, sorted=False).indices
    return candidates.gather(1, kept.unsqueeze(-1).expand(-1, -1, 2))
