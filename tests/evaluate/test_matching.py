"""Which predictions name an object."""

import numpy as np
import pytest
import torch

from gdsweep.evaluate import matched, overlaps


def test_overlaps_are_intersections_over_unions() -> None:
    masks = torch.zeros(3, 4, 6, dtype=torch.bool)
    masks[0, :2], masks[1, :3], masks[2, 3:] = True, True, True
    iou = overlaps(masks[:2], masks)
    assert iou == pytest.approx(np.array([[1, 2 / 3, 0], [2 / 3, 1, 0]]))
    assert overlaps(masks[:0], masks).shape == (0, 3)
    assert overlaps(masks, masks[:0]).shape == (3, 0)


def test_an_object_is_found_once_and_by_the_most_confident() -> None:
    iou = np.array([[0.9, 0.0], [0.8, 0.6], [0.7, 0.4]])
    assert matched(iou, torch.tensor([0.9, 0.8, 0.7])) == 2
    # the second takes the first object, of which nothing is left for the others
    assert matched(iou, torch.tensor([0.8, 0.9, 0.7])) == 1
    assert matched(iou[:, :0], torch.tensor([0.9, 0.8, 0.7])) == 0
    assert matched(iou[:0], torch.tensor([])) == 0


def test_the_overlap_must_exceed_the_limit() -> None:
    assert matched(np.array([[0.5]]), torch.tensor([1.0])) == 0
    assert matched(np.array([[0.51]]), torch.tensor([1.0])) == 1
