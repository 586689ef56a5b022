"""Eq. (3): the teacher's confident predictions, as targets for the student."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gdsweep.config import DistillationSettings
from gdsweep.data import Instances


@dataclass(frozen=True)
class PseudoLabels:
    """Targets of one unlabelled image, and what they were chosen by."""

    instances: Instances
    """Hard labels and boolean masks at stride 4 of the padded canvas."""
    scores: Tensor
    """Class probabilities of the kept instances, [n]."""
    sizes: Tensor
    """Soft mask areas of the kept instances in stride-4 cells, [n]."""


@torch.no_grad()
def pseudo_labels(
    class_logits: Tensor, mask_logits: Tensor, settings: DistillationSettings
) -> list[PseudoLabels]:
    """Filter and harden the teacher's last-layer predictions (sec. 3.1, eq. 3).

    A query is kept if its most probable class is not "no object", that probability exceeds alpha_C
    and its soft mask area exceeds alpha_S. The area is counted in stride-4 cells, as in the public
    code (the paper sums over the image); its mask is where the sigmoid exceeds one half.

    Args:
        class_logits: [B, Q, C + 1], "no object" last.
        mask_logits: [B, Q, H / 4, W / 4].
    """
    probabilities = class_logits.float().softmax(-1)
    scores, labels = probabilities.max(-1)
    soft = mask_logits.float().sigmoid()
    sizes = soft.sum((-2, -1))
    keep = (
        (labels < class_logits.shape[-1] - 1)
        & (scores > settings.alpha_c)
        & (sizes > settings.alpha_s)
    )
    found = []
    for b in range(len(keep)):
        chosen = keep[b].nonzero().flatten()
        masks = soft[b, chosen] > 0.5
        if settings.suppress_overlap is not None:
            kept = _not_covered(masks, scores[b, chosen], settings.suppress_overlap)
            chosen, masks = chosen[kept], masks[kept]
        found.append(
            PseudoLabels(Instances(labels[b, chosen], masks), scores[b, chosen], sizes[b, chosen])
        )
    return found


def totals(found: Sequence[PseudoLabels]) -> list[float]:
    """Number of labels, sum of their scores, sum of their sizes, number of images."""
    scores = torch.cat([labels.scores for labels in found])
    sizes = torch.cat([labels.sizes for labels in found])
    score, size = torch.stack([scores.sum(), sizes.sum()]).tolist()  # one transfer
    return [len(scores), score, size, len(found)]


def _not_covered(masks: Tensor, scores: Tensor, limit: float) -> Tensor:
    # greedy, most confident first: visible masks of different objects are disjoint, so a label that
    # shares more than `limit` of the smaller mask with a better one names the same object again
    flat = masks.flatten(1).float()
    areas = flat.sum(1)
    smaller = torch.minimum(areas[:, None], areas[None]).clamp(min=1)
    overlap = (flat @ flat.T) / smaller
    kept: list[int] = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if areas[index] > 0 and all(overlap[index, better] <= limit for better in kept):
            kept.append(index)
    return torch.tensor(sorted(kept), dtype=torch.long, device=masks.device)
