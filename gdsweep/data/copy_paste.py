"""Instance copy-paste (Ghiasi et al., "Simple Copy-Paste Is a Strong Data Augmentation Method",
CVPR 2021), between the weak views of two labelled images.

As there, each view has random geometry of its own, any subset of the other's objects is as likely
as any other, and edges are not blended. Views of different sizes (`edge-crop` leaves small images
whole) are laid upon each other at their top left corners: what exceeds the image is cut off,
nothing is resized. All randomness is drawn from torch's global CPU generator, as that of the views.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gdsweep.data.instances import Instances

LEAST = 16
"""Pixels of which an instance that something was pasted over must keep as many: a cell of the
network's masks."""


def another(indices: Sequence[int], index: int) -> int | None:
    """Draw one of `indices` other than `index`, each as likely; None where there is no other."""
    if len(indices) < 2:
        return None
    drawn = indices[int(torch.randint(len(indices) - 1, ()))]
    return indices[-1] if drawn == index else drawn


def random_subset(instances: Instances) -> Instances:
    """Each instance with probability one half."""
    kept = torch.rand(len(instances)) < 0.5
    return Instances(instances.labels[kept], instances.masks[kept])


def paste(
    image: Tensor, targets: Instances, source: Tensor, objects: Instances
) -> tuple[Tensor, Instances]:
    """Paste objects of one view onto another, where they are.

    Instances behind them lose what is covered, and are dropped with fewer than LEAST pixels left.

    Args:
        image: uint8 [3, H, W], with `targets` [n, H, W].
        source: uint8 [3, h, w], with the `objects` [m, h, w] of it to paste.

    Returns:
        The image and its instances: those left, then those pasted with a pixel in it.
    """
    source, masks = _laid_on(source, image), _laid_on(objects.masks, image)
    there = masks.flatten(1).any(1)
    masks = masks[there]
    if not len(masks):
        return image, targets
    covered = masks.any(0)
    before = targets.masks.flatten(1).sum(1)
    left = targets.masks & ~covered
    after = left.flatten(1).sum(1)
    kept = (after == before) | (after >= LEAST)
    labels = torch.cat([targets.labels[kept], objects.labels[there]])
    return torch.where(covered, source, image), Instances(labels, torch.cat([left[kept], masks]))


def _laid_on(part: Tensor, image: Tensor) -> Tensor:
    # [k, h, w] cut or filled up with zeros to the image's height and width
    height, width = image.shape[-2:]
    laid = part.new_zeros(len(part), height, width)
    cut = part[:, :height, :width]
    laid[:, : cut.shape[1], : cut.shape[2]] = cut
    return laid
