"""Eq. (3): which predictions become labels."""

import pytest
import torch

from gdsweep.config import DistillationSettings
from gdsweep.train.pseudo_labels import pseudo_labels, totals

_YES, _NO = 20.0, -20.0


def _logits(*queries: tuple[int, float, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries as (class, probability of that class, mask cells); two classes and "no object"."""
    classes = torch.empty(1, len(queries), 3)
    masks = torch.full((1, len(queries), 4, 4), _NO)
    for q, (label, probability, cells) in enumerate(queries):
        rest = (1 - probability) / 2
        classes[0, q] = torch.tensor([rest, rest, rest]).log()
        classes[0, q, label] = torch.tensor(probability).log()
        masks[0, q].view(-1)[:cells] = _YES
    return classes, masks


def test_thresholds_are_strict_and_no_object_is_never_a_label():
    settings = DistillationSettings(alpha_c=0.7, alpha_s=5)
    found = pseudo_labels(
        *_logits((0, 0.9, 8), (1, 0.69, 8), (2, 0.99, 8), (1, 0.8, 5), (1, 0.8, 6)), settings
    )
    assert len(found) == 1
    assert found[0].instances.labels.tolist() == [0, 1]
    assert found[0].instances.masks.flatten(1).sum(1).tolist() == [8, 6]
    assert found[0].instances.masks.dtype == torch.bool
    assert found[0].scores.tolist() == pytest.approx([0.9, 0.8])
    assert found[0].sizes.tolist() == pytest.approx([8, 6])


def test_duplicates_stay_unless_overlap_is_suppressed():
    logits = _logits((0, 0.8, 8), (1, 0.9, 6))  # the second lies inside the first
    paper = pseudo_labels(*logits, DistillationSettings())
    assert paper[0].instances.labels.tolist() == [0, 1]
    kept = pseudo_labels(*logits, DistillationSettings(suppress_overlap=0.5))
    assert kept[0].instances.labels.tolist() == [1]  # the more confident one


def test_an_image_without_confident_predictions_has_no_labels():
    found = pseudo_labels(*_logits((2, 0.9, 8)), DistillationSettings())
    assert found[0].instances.labels.shape == (0,)
    assert found[0].instances.masks.shape == (0, 4, 4)
    assert totals(found) == [0, 0.0, 0.0, 1]


def test_totals_over_images():
    first = pseudo_labels(*_logits((0, 0.9, 8)), DistillationSettings())
    second = pseudo_labels(*_logits((0, 0.8, 8), (1, 0.9, 6)), DistillationSettings())
    assert totals(first + second) == pytest.approx([3, 2.6, 22, 2])
