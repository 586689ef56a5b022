"""Matching finds what was planted, and survives what is not a number."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.config import LossSettings
from gdsweep.model.matcher import assign, matching_cost

LOSS = LossSettings()


def planted(order: list[int], queries: int = 6, points: int = 40) -> tuple[Tensor, ...]:
    """Logits in which target j is predicted by query order[j]."""
    n = len(order)
    labels = torch.arange(n) % 3
    masks = (torch.rand(n, points) > 0.5).float()
    class_logits = torch.zeros(queries, 4)
    mask_logits = torch.randn(queries, points)
    for target, query in enumerate(order):
        class_logits[query, labels[target]] = 6.0
        mask_logits[query] = 12 * masks[target] - 6
    return class_logits, mask_logits, labels, masks


def test_finds_the_planted_assignment_in_every_layer() -> None:
    costs = []
    for order in ([4, 0, 2], [1, 5]):
        layers = [planted(order), planted(order)]
        costs.append(
            torch.cat(
                [matching_cost(c[None], m[None], labels, t, LOSS) for c, m, labels, t in layers]
            )
        )
    (queries, targets), (queries2, targets2) = assign(costs)
    assert queries.tolist() == [[0, 2, 4]] * 2
    assert targets.tolist() == [[1, 2, 0]] * 2
    assert queries2.tolist() == [[1, 5]] * 2
    assert targets2.tolist() == [[0, 1]] * 2


def test_cost_is_the_definition() -> None:
    class_logits, mask_logits, labels, masks = planted([3, 1])
    cost = matching_cost(class_logits[None], mask_logits[None], labels, masks, LOSS)[0]
    query, target = 2, 1
    x, t = mask_logits[query], masks[target]
    bce = F.binary_cross_entropy_with_logits(x, t)
    dice = 1 - (2 * (x.sigmoid() * t).sum() + 1) / (x.sigmoid().sum() + t.sum() + 1)
    probability = class_logits[query].softmax(-1)[labels[target]]
    assert cost[query, target].item() == pytest.approx(
        (5 * bce + 5 * dice - 2 * probability).item()
    )


def test_more_targets_than_queries() -> None:
    ((queries, targets),) = assign([torch.rand(2, 3, 5)])
    assert queries.tolist() == [[0, 1, 2]] * 2
    assert targets.shape == (2, 3)
    assert all(len(set(row)) == 3 for row in targets.tolist())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_cost_is_avoided_not_fatal(bad: float) -> None:
    cost = torch.tensor([[[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]]])
    cost[0, 0, 0] = bad
    ((queries, targets),) = assign([cost])
    assert (0, 0) not in zip(queries[0].tolist(), targets[0].tolist(), strict=True)
    ((queries, targets),) = assign([torch.full((1, 3, 2), bad)])
    assert queries.shape == (1, 2)


def test_nothing_to_match() -> None:
    assert assign([]) == []
