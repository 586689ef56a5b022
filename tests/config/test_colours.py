"""Neighbours are told apart."""

import itertools

import numpy as np

from gdsweep.config.colours import PALETTE, outline, told_apart


def stripes(count: int, width: int = 4) -> list[np.ndarray]:
    masks = np.zeros((count, 10, count * width), bool)
    for k, mask in enumerate(masks):
        mask[:, k * width : (k + 1) * width] = True
    return list(masks)


def test_a_few_instances_have_colours_of_their_own() -> None:
    assert len(set(told_apart(stripes(len(PALETTE))))) == len(PALETTE)
    assert told_apart([]) == []


def test_neighbours_differ_however_many_there_are() -> None:
    colours = told_apart(stripes(60))
    assert all(a != b for a, b in itertools.pairwise(colours))
    # in any order
    masks = stripes(40)
    order = np.random.default_rng(0).permutation(40)
    shuffled = told_apart([masks[k] for k in order])
    by_place = dict(zip(order.tolist(), shuffled, strict=True))
    assert all(by_place[k] != by_place[k + 1] for k in range(39))


def test_what_has_a_colour_keeps_it_and_others_avoid_it() -> None:
    colours = told_apart(stripes(3), [None, 0, None])
    assert colours[1] == 0
    assert 0 not in (colours[0], colours[2])


def test_a_mask_without_pixels_is_no_error() -> None:
    assert len(told_apart([np.zeros((4, 4), bool), np.ones((4, 4), bool)])) == 2


def test_an_outline_is_as_wide_as_asked_and_the_border_is_none() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:, :5] = True
    assert outline(mask).sum() == 8
    assert outline(mask, 2).sum() == 16
    assert outline(mask)[:, 4].all()
