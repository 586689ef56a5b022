"""Eq. (3): the teacher's confident predictions, as targets for the student."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gdsweep.config import DistillationSettings
from gdsweep.data import Instances
from gdsweep.model import to_device
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
    weights: Tensor | None = None
    """Factors of the kept instances' losses, [n]; None where all are 1."""


@dataclass(frozen=True)
class Choice:
    """Predictions on images that were forwarded together, and which of them become labels.

    Everything lies on the predictions' device: how many there are is not known to the CPU yet.
    """

    keep: Tensor
    """Bool [B, Q]: the predictions that become labels."""
    labels: Tensor
    """Most probable class of each, long [B, Q]; C is "no object"."""
    scores: Tensor
    """Its probability, [B, Q]."""
    sizes: Tensor
    """Soft mask areas in stride-4 cells, [B, Q]."""
    masks: Tensor
    """Bool [B, Q, H / 4, W / 4]."""
    ignore: Tensor | None = None
    """As of `PseudoLabels`, bool [B, H / 4, W / 4]."""
    ignored: Tensor | None = None
    """As of `PseudoLabels`, [B]."""
    weights: Tensor | None = None
    """As of `PseudoLabels`, of every prediction, [B, Q]."""
    confidence: Tensor | None = None
    """Sums and counts of class probabilities, [B, 2, C], see `class_thresholds`; None without
    thresholds. On the CPU: for this one the device is waited for."""

    def kept(self, keep: Tensor) -> list[PseudoLabels]:
        """The labels of each image; `keep` is a copy of its own on the CPU."""
        places = to_device(keep.flatten().nonzero().flatten(), self.keep.device)
        counts = keep.sum(1).tolist()

        def by_image(values: Tensor) -> tuple[Tensor, ...]:
            return values.flatten(0, 1)[places].split(counts)

        labels, scores, sizes, masks = map(
            by_image, (self.labels, self.scores, self.sizes, self.masks)
        )
        weights = None if self.weights is None else by_image(self.weights)
        return [
            PseudoLabels(
                Instances(labels[b], masks[b]),
                scores[b],
                sizes[b],
                None if self.ignore is None else self.ignore[b],
                None if self.ignored is None else self.ignored[b],
                None if weights is None else weights[b],
            )
            for b in range(len(keep))
        ]


def pseudo_labels(
    class_logits: Tensor,
    mask_logits: Tensor,
    settings: DistillationSettings,
    thresholds: Tensor | None = None,
) -> list[PseudoLabels]:
    """The labels of each image; see `choose`."""
    chosen = choose(class_logits, mask_logits, settings, thresholds)
    return chosen.kept(chosen.keep.cpu())


@torch.no_grad()
def choose(
    class_logits: Tensor,
    mask_logits: Tensor,
    settings: DistillationSettings,
    thresholds: Tensor | None = None,
) -> Choice:
    """Filter and harden the teacher's last-layer predictions (sec. 3.1, eq. 3).

    A query is kept if its most probable class is not "no object", that probability exceeds alpha_C
    and its soft mask area exceeds alpha_S. The area is counted in stride-4 cells, as in the public
    code (the paper sums over the image); its mask is where the sigmoid exceeds one half. Options
    that the paper's method does not have: `alpha_m`, `suppress_overlap`, `ignore_above`,
    `label_weights`.

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
    weights = None
    if settings.alpha_m is not None or settings.label_weights == "quality":
        quality = mask_quality(soft)
        if settings.alpha_m is not None:
            keep &= quality > settings.alpha_m
        if settings.label_weights == "quality":
            weights = scores * quality
    masks = soft > 0.5
    if settings.suppress_overlap is not None:
        for own, image, found in zip(keep, masks, scores, strict=True):
            chosen = own.nonzero().flatten()
            kept = chosen[_not_covered(image[chosen], found[chosen], settings.suppress_overlap)]
            own[:] = False
            own[kept] = True
    ignore = ignored = confidences = None
    if settings.ignore_above is not None:
        middling = some & ~sure & (scores > settings.ignore_above)
        claimed = (masks & middling[..., None, None]).any(1)
        ignore = claimed & ~(masks & keep[..., None, None]).any(1)
        ignored = middling.sum(1)
    if thresholds is not None:
        confidences = confidence(scores, labels, classes)
    return Choice(keep, labels, scores, sizes, masks, ignore, ignored, weights, confidences)


def flicker(choice: Choice, exact: Choice) -> Tensor:
    """How many labels another precision changes, and how many there are: float64 [2].

    A label is changed that one of the two has and the other lacks, or has of another class.

    Args:
        choice, exact: of the same network on the same images, in either precision.
    """
    same = choice.keep & exact.keep & (choice.labels == exact.labels)
    either = choice.keep | exact.keep
    return torch.stack([(either & ~same).sum(), either.sum()]).double()


def mask_quality(soft: Tensor) -> Tensor:
    """Mean probability inside each mask, Mask2Former's mask score; 0 of an empty mask.

    Args:
        soft: mask probabilities [..., H, W]; a mask is where they exceed one half.

    Returns:
        [...].
    """
    hard = soft > 0.5
    return (soft * hard).sum((-2, -1)) / hard.sum((-2, -1)).clamp(min=1)


def totals(by_image: Sequence[PseudoLabels]) -> Tensor:
    """Sums of the labels' scores and sizes, number of predictions ignored: float64 [3].

    On the labels' device; `by_image` is not empty.
    """
    scores = torch.cat([labels.scores for labels in by_image])
    sizes = torch.cat([labels.sizes for labels in by_image])
    ignored = [labels.ignored.double() for labels in by_image if labels.ignored is not None]
    count = torch.stack(ignored).sum() if ignored else scores.new_zeros((), dtype=torch.float64)
    return torch.stack([scores.sum().double(), sizes.sum().double(), count])


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
