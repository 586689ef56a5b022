"""Thresholds that follow the teacher's confidence in each class."""

import pytest
import torch

from gdsweep.train.class_thresholds import ClassThresholds, confidence
from gdsweep.train.distributed import Processes

ALONE = Processes(0, 1, torch.device("cpu"))


class Together:
    """Processes of which each has its share of the images."""

    def __init__(self, shares):
        self.shares = shares

    def gather(self, mine):
        return [[image.tolist() for image in share] for share in self.shares]


def image(*classes):
    """One image's sums and counts, from lists of confidences per class."""
    rows = [[sum(found) for found in classes], [len(found) for found in classes]]
    return torch.tensor(rows, dtype=torch.float64)


def test_confidence_counts_each_query_for_its_most_probable_class():
    scores, labels = torch.tensor([0.5, 0.25, 0.75, 0.9]), torch.tensor([1, 0, 1, 3])
    assert confidence(scores, labels, 3).tolist() == [[0.25, 1.25, 0], [1, 2, 0]]


def test_thresholds_are_alpha_c_by_ratio_to_the_largest_mean():
    thresholds = ClassThresholds(3, alpha_c=0.8, decay=0.9)
    assert thresholds.values.tolist() == pytest.approx([0.8, 0.8, 0.8])
    thresholds.update([image([0.8, 0.4], [0.3], []), image([], [0.3], [])], ALONE)
    # the first batch's means: 0.6 and 0.3; the third class was not seen
    assert thresholds.values.tolist() == pytest.approx([0.8, 0.4, 0.8])
    thresholds.update([image([], [0.6], [])], ALONE)
    assert thresholds.means.tolist() == pytest.approx([0.6, 0.9 * 0.3 + 0.1 * 0.6, 0])
    thresholds.update([image([], [], [])], ALONE)
    thresholds.update([], ALONE)
    assert thresholds.means.tolist() == pytest.approx([0.6, 0.33, 0])


def test_the_number_of_processes_has_no_part():
    torch.manual_seed(0)
    images = [torch.rand(2, 4, dtype=torch.float64) * 10 ** torch.randint(6, ()) for _ in range(7)]
    alone = ClassThresholds(4, 0.7, 0.9)
    alone.update(images, ALONE)
    for world in (2, 3, 7, 9):
        several = ClassThresholds(4, 0.7, 0.9)
        several.update([], Together([images[rank::world] for rank in range(world)]))
        assert torch.equal(several.means, alone.means)


def test_a_state_goes_on_where_it_was():
    thresholds = ClassThresholds(2, 0.7, 0.9)
    thresholds.update([image([0.5], [0.25])], ALONE)
    again = ClassThresholds(2, 0.7, 0.9)
    again.restore(thresholds.state())
    for one in (thresholds, again):
        one.update([image([0.7], [0.1])], ALONE)
    assert torch.equal(thresholds.values, again.values)
    again.restore(None)
    assert again.values.tolist() == pytest.approx([0.7, 0.7])
