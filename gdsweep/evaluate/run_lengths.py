"""Masks in COCO's compressed run-length encoding, without turning them round.

The encoding counts down the columns, masks lie in rows: pycocotools' encoder needs a copy in the
other order, which costs several times as much as the counting. Here the ends of runs are found in
rows, eight pixels at a time, and only they are put in the other order.
"""

from typing import Any

import numpy as np
from pycocotools import mask as rle

SMALL = 2**15
"""Pixels up to which a mask is turned round after all: it fits a core's cache."""


def encode(mask: np.ndarray) -> dict[str, Any]:
    """What `pycocotools.mask.encode` gives: `size` and compressed `counts`, as bytes.

    Args:
        mask: bool [H, W], its rows contiguous.
    """
    H, W = mask.shape
    if H * W <= SMALL:
        whole: dict[str, Any] = rle.encode(np.asfortranarray(mask, np.uint8))
        return whole
    flat = np.ascontiguousarray(mask).view(np.uint8).ravel()
    # a run ends where a pixel is unlike the one before: above it, or at the last column's foot
    changes = np.empty(-(-H * W // 8) * 8, np.uint8)
    changes[H * W :] = 0
    np.bitwise_xor(flat[W:], flat[:-W], out=changes[W : H * W])
    changes[1:W] = flat[1:W] ^ flat[-W:-1]
    changes[0] = flat[0]
    words = np.flatnonzero(changes.view(np.uint64))
    word, byte = np.nonzero(changes.reshape(-1, 8)[words])
    rows, columns = np.divmod(8 * words[word] + byte, W)
    ends = np.sort(columns * H + rows)
    counts = np.diff(ends, prepend=0, append=H * W)
    found: dict[str, Any] = rle.frPyObjects({"counts": counts.tolist(), "size": [H, W]}, H, W)
    return found
