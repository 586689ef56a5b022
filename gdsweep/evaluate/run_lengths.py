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


def encode_at(mask: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> dict[str, Any]:
    """What `encode` gives of an empty mask of `size` with `mask` put in at `corner`.

    Args:
        mask: bool [h, w].
        corner: row and column of its upper left pixel.
        size: H and W; `mask` lies inside.
    """
    H, W = size
    columns = np.pad(mask.T.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(columns, axis=1)  # 1 where a run begins, -1 below its last pixel
    offset = corner[1] * H + corner[0]
    begins, ends = (
        offset + column * H + row for column, row in map(np.nonzero, (steps > 0, steps < 0))
    )
    apart = begins[1:] != ends[:-1]  # a run goes on from a column's foot to the next one's head
    edges = np.stack([begins[np.r_[True, apart]], ends[np.r_[apart, True]]], 1).ravel()
    counts = np.diff(edges, prepend=0)
    if edges[-1] < H * W:
        counts = np.append(counts, H * W - edges[-1])
    found: dict[str, Any] = rle.frPyObjects({"counts": counts.tolist(), "size": [H, W]}, H, W)
    return found
