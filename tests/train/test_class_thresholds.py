"""Thresholds that follow the teacher's confidence in each class."""

import pytest
import torch

from gdsweep.train.class_thresholds import ClassThresholds, confidence


def image(*classes):
    """One image's sums and counts, from lists of confidences per class."""
    rows = [[sum(found) for found in classes], [len(found) for found in classes]]
    return torch.tensor(rows, dtype=torch.float64)


def test_confidence_counts_each_query_for_its_most_probable_class():
    scores, labels = torch.tensor([0.5, 0.25, 0.75, 0.9]), torch.tensor([1, 0, 1, 3])
    found = confidence(scores[None], labels[None], 3)
    assert found.tolist() == [[[0.25, 1.25, 0], [1, 2, 0]]]


def test_thresholds_are_alpha_c_by_ratio_to_the_largest_mean():
    thresholds = ClassThresholds(3, alpha_c=0.8, decay=0.9)
    assert thresholds.values.tolist() == pytest.approx([0.8, 0.8, 0.8])
    thresholds.update(torch.stack([image([0.8, 0.4], [0.3], []), image([], [0.3], [])]))
    # the first batch's means: 0.6 and 0.3; the third class was not seen
    assert thresholds.values.tolist() == pytest.approx([0.8, 0.4, 0.8])
    thresholds.update(image([], [0.6], [])[None])
    assert thresholds.means.tolist() == pytest.approx([0.6, 0.9 * 0.3 + 0.1 * 0.6, 0])
    thresholds.update(image([], [], [])[None])
    thresholds.update(torch.zeros(0, 2, 3))
    assert thresholds.means.tolist() == pytest.approx([0.6, 0.33, 0])


def test_a_state_goes_on_where_it_was():
    thresholds = ClassThresholds(2, 0.7, 0.9)
    thresholds.update(image([0.5], [0.25])[None])
    again = ClassThresholds(2, 0.7, 0.9)
    again.restore(thresholds.state())
    for one in (thresholds, again):
        one.update(image([0.7], [0.1])[None])
    assert torch.equal(thresholds.values, again.values)
    again.restore(None)
    assert again.values.tolist() == pytest.approx([0.7, 0.7])
