"""Hungarian matching of predictions with targets."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gdsweep.config import LossSettings
from gdsweep.model.transfer import to_device

_INVALID = 1e10  # cost of a pair whose cost is not a number: matched only if nothing else is left


@torch.no_grad()
def matching_cost(
    class_logits: Tensor, mask_logits: Tensor, labels: Tensor, masks: Tensor, weights: LossSettings
) -> Tensor:
    """Cost of matching each query with each target of one image, for several layers at once.

    Class probability, binary cross-entropy and dice, weighted as in the loss of eq. (1).

    Args:
        class_logits: [L, Q, C + 1].
        mask_logits: [L, Q, P], at points.
        labels: long [n].
        masks: [n, P] in 0..1, the targets at the same points.

    Returns:
        [L, Q, n].
    """
    P = mask_logits.shape[-1]
    class_cost = -class_logits.softmax(-1)[..., labels]
    overlap = mask_logits @ masks.T
    # sum over points of BCE(x, t) = softplus(x) - x t
    mask_cost = (F.softplus(mask_logits).sum(-1, keepdim=True) - overlap) / P
    soft = mask_logits.sigmoid()
    both = soft.sum(-1, keepdim=True) + masks.sum(-1)
    dice_cost = 1 - (2 * (soft @ masks.T) + 1) / (both + 1)
    return (
        weights.lambda_c * class_cost + weights.lambda_ce * mask_cost + weights.lambda_d * dice_cost
    )


def assign(costs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Cheapest one-to-one assignment per image and layer, with one transfer from the device.

    Args:
        costs: [L, Q, n] per image, n differing; entries that are not finite are avoided.

    Returns:
        Per image (queries, targets), long [L, m] each on the costs' device, m = min(Q, n), queries
        ascending.
    """
    if not costs:
        return []
    device = costs[0].device
    flat = torch.cat([cost.flatten() for cost in costs])
    flat = torch.nan_to_num(flat, nan=_INVALID, posinf=_INVALID, neginf=_INVALID)
    parts = flat.cpu().split([cost.numel() for cost in costs])
    pairs = [
        np.array([linear_sum_assignment(layer) for layer in part.view(cost.shape).numpy()])
        for part, cost in zip(parts, costs, strict=True)
    ]  # [L, 2, m] each
    moved = to_device(torch.from_numpy(np.concatenate([pair.ravel() for pair in pairs])), device)
    found = []
    for part, pair in zip(moved.split([pair.size for pair in pairs]), pairs, strict=True):
        queries, targets = part.view(pair.shape).unbind(1)
        found.append((queries, targets))
    return found
