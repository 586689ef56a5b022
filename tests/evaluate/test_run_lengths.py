"""Run lengths are pycocotools' own, whatever the mask."""

import numpy as np
import pytest
from pycocotools import mask as rle

from gdsweep.evaluate import run_lengths


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.98, 1])
def test_encoding_is_pycocotools_own(monkeypatch, share):
    monkeypatch.setattr(run_lengths, "SMALL", 0)
    random = np.random.default_rng(int(100 * share))
    shapes = [(1, 1), (1, 7), (7, 1), (8, 8), (5, 16), *random.integers(1, 24, (150, 2)).tolist()]
    for shape in shapes:
        mask = random.random(shape) < share
        expected = rle.encode(np.asfortranarray(mask, np.uint8))
        assert run_lengths.encode(mask) == expected, (shape, mask)


def test_a_mask_is_encoded_alike_on_either_side_of_small():
    y, x = np.ogrid[:200, :300]
    mask = (y - 90) ** 2 + (x - 140) ** 2 < 80**2
    assert mask.size > run_lengths.SMALL
    for found in (mask, mask[:90, :200], mask[::-1], mask[:, 60:220]):
        assert run_lengths.encode(found) == rle.encode(np.asfortranarray(found, np.uint8))
