"""Eq. (3): which predictions become labels."""

import pytest
import torch

from gdsweep.config import DistillationSettings
from gdsweep.train.pseudo_labels import choose, flicker, mask_quality, pseudo_labels, totals

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
    assert totals(found).tolist() == [0, 0, 0]


def test_totals_over_images():
    first = pseudo_labels(*_logits((0, 0.9, 8)), DistillationSettings())
    second = pseudo_labels(*_logits((0, 0.8, 8), (1, 0.9, 6)), DistillationSettings())
    assert totals(first + second).tolist() == pytest.approx([2.6, 22, 0])


def test_mask_quality_is_the_mean_probability_inside():
    soft = torch.tensor([[[0.9, 0.7], [0.5, 0.1]], [[0.4, 0.4], [0.4, 0.4]]])
    assert mask_quality(soft).tolist() == pytest.approx([0.8, 0])


def test_a_mask_must_be_sure_of_itself_where_that_is_asked():
    classes, masks = _logits((0, 0.9, 8), (1, 0.9, 8))
    masks[0, 1] = torch.where(masks[0, 1] > 0, torch.tensor(0.7 / 0.3).log(), masks[0, 1])
    labels = [
        pseudo_labels(classes, masks, DistillationSettings(alpha_m=alpha_m))[0].instances.labels
        for alpha_m in (None, 0.65, 0.75)
    ]
    assert [found.tolist() for found in labels] == [[0, 1], [0, 1], [0]]


def test_a_label_may_weigh_what_its_class_and_its_mask_are_worth():
    """Of the kept ones alone, in their order; the paper's weigh alike."""
    classes, masks = _logits((2, 0.9, 8), (0, 0.5, 8), (1, 0.2, 8), (1, 0.9, 8))
    masks[0, 3] = torch.where(masks[0, 3] > 0, torch.tensor(0.7 / 0.3).log(), masks[0, 3])
    settings = DistillationSettings(alpha_c=0.4, label_weights="quality")
    found = pseudo_labels(classes, masks, settings)[0]
    assert found.instances.labels.tolist() == [0, 1]
    assert found.weights.tolist() == pytest.approx([0.5, 0.63])
    assert pseudo_labels(classes, masks, DistillationSettings(alpha_c=0.4))[0].weights is None


def test_each_class_may_have_its_threshold():
    logits = _logits((0, 0.6, 8), (1, 0.6, 8), (0, 0.55, 8), (2, 0.99, 8))
    thresholds = torch.tensor([0.58, 0.7])
    found = pseudo_labels(*logits, DistillationSettings(), thresholds)[0]
    assert found.instances.labels.tolist() == [0]
    assert found.scores.tolist() == pytest.approx([0.6])
    # sums and numbers of all queries of a class, not of the kept ones only
    confidence = choose(*logits, DistillationSettings(), thresholds).confidence
    assert confidence.tolist() == [[pytest.approx([1.15, 0.6]), [2, 1]]]
    assert choose(*logits, DistillationSettings()).confidence is None


def test_middling_predictions_are_neither_labels_nor_nothing():
    """A label has the first 6 of 16 cells; three middling masks have the first 8, 3 and 10."""
    classes, masks = _logits(
        (0, 0.9, 6), (1, 0.6, 8), (1, 0.5, 3), (1, 0.39, 16), (2, 0.6, 16), (0, 0.7, 10)
    )
    found = pseudo_labels(classes, masks, DistillationSettings(ignore_above=0.4, alpha_c=0.75))[0]
    assert found.instances.labels.tolist() == [0]
    assert found.ignore.dtype == torch.bool
    # the largest of the three without the label's cells
    assert found.ignore.flatten().nonzero().flatten().tolist() == [6, 7, 8, 9]
    assert found.ignored.item() == 3
    assert totals([found]).tolist() == pytest.approx([0.9, 6, 3])
    plain = pseudo_labels(classes, masks, DistillationSettings(alpha_c=0.75))[0]
    assert plain.ignore is None
    assert plain.ignored is None


def test_nothing_middling_ignores_no_cell():
    found = pseudo_labels(*_logits((2, 0.9, 8)), DistillationSettings(ignore_above=0.4))[0]
    assert not found.ignore.any()
    assert found.ignore.shape == (4, 4)
    assert found.ignored.item() == 0


def test_labels_that_flicker_are_those_of_one_precision_only_or_of_another_class():
    settings = DistillationSettings(alpha_c=0.7, alpha_s=5)
    exact = choose(*_logits((0, 0.9, 8), (1, 0.71, 8), (1, 0.9, 8), (0, 0.5, 8)), settings)
    rough = choose(*_logits((0, 0.8, 9), (1, 0.69, 8), (0, 0.9, 8), (1, 0.5, 8)), settings)
    assert flicker(rough, exact).tolist() == [2, 3]
    assert flicker(exact, exact).tolist() == [0, 3]
