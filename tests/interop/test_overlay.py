"""What is drawn on an image."""

import numpy as np
import torch

from gdsweep.interop.overlay import overlay, side_by_side

IMAGE = torch.full((3, 400, 600), 100, dtype=torch.uint8)


def nucleus(side: int = 10) -> torch.Tensor:
    """The mask of one square object."""
    mask = torch.zeros(1, 400, 600, dtype=torch.bool)
    mask[0, 50 : 50 + side, 80 : 80 + side] = True
    return mask


def drawn(outlines: bool, scores: torch.Tensor | None) -> np.ndarray:
    return overlay(IMAGE, torch.zeros(1, dtype=torch.long), scores, nucleus(), ["n"], outlines)


def test_outlines_leave_an_object_of_ten_pixels_visible() -> None:
    picture = drawn(True, torch.tensor([0.9]))
    assert picture.shape == (800, 1200, 3)
    changed = (picture != 100).any(-1)
    inside = changed[100:120, 160:180]
    assert changed.sum() == inside.sum()  # no text beside it
    assert inside.sum() == 4 * 20 - 4  # one pixel around it
    assert not inside[1:-1, 1:-1].any()


def test_by_default_an_object_is_filled_and_named() -> None:
    picture = drawn(False, torch.tensor([0.9]))
    assert picture.shape == (400, 600, 3)
    changed = (picture != 100).any(-1)
    assert changed[50:60, 80:90].all()
    assert changed.sum() > 100


def test_annotated_objects_have_no_score() -> None:
    named = drawn(False, None)
    assert (named != 100).any(-1).sum() < (drawn(False, torch.tensor([0.9])) != 100).any(-1).sum()


def test_a_large_image_is_not_enlarged() -> None:
    large = torch.zeros(3, 400, 3000, dtype=torch.uint8)
    none = torch.zeros(0, 400, 3000, dtype=torch.bool)
    assert overlay(large, torch.zeros(0), None, none, [], True).shape == (400, 3000, 3)


def test_two_pictures_beside_each_other() -> None:
    left, right = np.zeros((4, 6, 3), np.uint8), np.ones((4, 5, 3), np.uint8)
    both = side_by_side(left, right)
    assert both.shape == (4, 6 + 8 + 5, 3)
    np.testing.assert_array_equal(both[:, :6], left)
    np.testing.assert_array_equal(both[:, -5:], right)
