"""Eq. (3): the teacher's confident predictions, as targets for the student."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gdsweep.config import DistillationSettings
from gdsweep.data import Instances
from gdsweep.train.class_thresholds import confidence


@dataclass(frozen=True)
class PseudoLabels:
    """Targets of one unlabelled image, and what they were chosen by."""

    instances: Instances
    """Hard labels and boolean masks at stride 4 of the padded canvas."""
    scores: Tensor
    """Class probabilities of the kept instances, [n]."""
    sizes: Tensor
    """Soft mask areas of the kept instances in stride-4 cells, [n]."""
    ignore: Tensor | None = None
    """Cells that only predictions of middling confidence claim, bool [H / 4, W / 4]; None without
    `ignore_above`."""
    ignored: Tensor | None = None
    """Number of these predictions, a scalar; None without `ignore_above`."""
    confidence: Tensor | None = None
    """Sums and counts of class probabilities, see `class_thresholds`; None without thresholds."""


@torch.no_grad()
def pseudo_labels(
    class_logits: Tensor,
    mask_logits: Tensor,
    settings: DistillationSettings,
    thresholds: Tensor | None = None,
) -> list[PseudoLabels]:
    """Filter and harden the teacher's last-layer predictions (sec. 3.1, eq. 3).

    A query is kept if its most probable class is not "no object", that probability exceeds alpha_C
    and its soft mask area exceeds alpha_S. The area is counted in stride-4 cells, as in the public
    code (the paper sums over the image); its mask is where the sigmoid exceeds one half. Options
    that the paper's method does not have: `alpha_m`, `suppress_overlap`, `ignore_above`.

    Args:
        class_logits: [B, Q, C + 1], "no object" last.
        mask_logits: [B, Q, H / 4, W / 4].
        settings: the thresholds.
        thresholds: one for each class instead of alpha_C, float32 [C] (see `class_thresholds`).
    """
    classes = class_logits.shape[-1] - 1
    probabilities = class_logits.float().softmax(-1)
    scores, labels = probabilities.max(-1)
    soft = mask_logits.float().sigmoid()
    sizes = soft.sum((-2, -1))
    some = labels < classes
    if thresholds is None:
        sure = scores > settings.alpha_c
    else:
        sure = scores > thresholds.to(scores.device)[labels.clamp(max=classes - 1)]
    keep = some & sure & (sizes > settings.alpha_s)
    if settings.alpha_m is not None:
        keep &= mask_quality(soft) > settings.alpha_m
    found = []
    for b in range(len(keep)):
        chosen = keep[b].nonzero().flatten()
        masks = soft[b, chosen] > 0.5
        if settings.suppress_overlap is not None:
            kept = _not_covered(masks, scores[b, chosen], settings.suppress_overlap)
            chosen, masks = chosen[kept], masks[kept]
        ignore = ignored = None
        if settings.ignore_above is not None:
            middling = some[b] & ~sure[b] & (scores[b] > settings.ignore_above)
            ignore = (soft[b, middling] > 0.5).any(0) & ~masks.any(0)
            ignored = middling.sum()
        found.append(
            PseudoLabels(
                Instances(labels[b, chosen], masks),
                scores[b, chosen],
                sizes[b, chosen],
                ignore,
                ignored,
                None if thresholds is None else confidence(scores[b], labels[b], classes),
            )
        )
    return found


def mask_quality(soft: Tensor) -> Tensor:
    """Mean probability inside each mask, Mask2Former's mask score; 0 of an empty mask.

    Args:
        soft: mask probabilities [..., H, W]; a mask is where they exceed one half.

    Returns:
        [...].
    """
    hard = soft > 0.5
    return (soft * hard).sum((-2, -1)) / hard.sum((-2, -1)).clamp(min=1)


def totals(by_image: Sequence[PseudoLabels]) -> list[float]:
    """Number of labels, sums of their scores and sizes, number of images, predictions ignored."""
    scores = torch.cat([labels.scores for labels in by_image])
    sizes = torch.cat([labels.sizes for labels in by_image])
    ignored = [labels.ignored for labels in by_image if labels.ignored is not None]
    sums = [scores.sum(), sizes.sum(), *(count.float() for count in ignored)]
    score, size, *counts = torch.stack(sums).tolist()  # one transfer
    return [len(scores), score, size, len(by_image), sum(counts)]


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
