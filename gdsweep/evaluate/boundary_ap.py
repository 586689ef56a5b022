"""Boundary AP: mask AP with an overlap that looks at outlines (Cheng et al., CVPR 2021).

Boundary IoU (eq. 2 there) compares the pixels of two masks that lie within a distance d of their
outlines; d is 2 % of the image's diagonal, on Cityscapes, whose images are large, 0.5 %. As in the
authors' API the overlap of a prediction with an object is the smaller of their mask IoU and their
boundary IoU, and its overlap with a crowd of COCO's is the mask's alone. Everything else is the
data set's own AP.
"""

import math
from functools import partial
from typing import Any

import numpy as np
from pycocotools import mask as rle
from scipy.ndimage import minimum_filter1d

from gdsweep.config import DataFormat
from gdsweep.evaluate.cityscapes_ap import cityscapes_ap
from gdsweep.evaluate.mask_ap import Masks, coco_scores, mask_overlaps

DILATION = {"coco": 0.02, "cityscapes": 0.005}
"""d as a share of the image's diagonal, by whose AP it is."""

_LEAST = 0.5  # COCO's lowest threshold: a lower mask IoU matches nothing, whatever the outlines


def boundary_ap(
    data: DataFormat,
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int = 100,
) -> dict[str, float]:
    """`boundary_AP` in percent (overlaps 0.5 to 0.95).

    Arguments as of `average_precision`, whose measure of overlap it replaces.
    """
    if data.measure == "cityscapes":
        scores = cityscapes_ap(
            ground_truth, results, partial(boundary, share=DILATION["cityscapes"])
        )
    else:
        scores = coco_scores(ground_truth, results, detections, boundary_overlaps)
    return {"boundary_AP": scores["AP"]}


def boundary_overlaps(predicted: Masks, true: Masks, crowds: list[int]) -> np.ndarray:
    """The smaller of mask IoU and boundary IoU, float [predictions, objects].

    Below the lowest threshold the mask IoU stands alone, which matches nothing either way.
    """
    shared = mask_overlaps(predicted, true, crowds)
    close = (shared >= _LEAST) & (np.array(crowds) == 0)
    rows, columns = close.any(1).nonzero()[0].tolist(), close.any(0).nonzero()[0].tolist()
    if rows:
        outer = mask_overlaps(
            [boundary(predicted[row]) for row in rows],
            [boundary(true[column]) for column in columns],
            [0] * len(columns),
        )
        block = np.ix_(rows, columns)
        shared[block] = np.where(close[block], np.minimum(shared[block], outer), shared[block])
    return shared


def boundary(mask: dict[str, Any], share: float = DILATION["coco"]) -> dict[str, Any]:
    """The pixels of a mask within d of its outline; the image's edge is an outline, too.

    Args:
        mask: a compressed RLE.
        share: d as a share of the image's diagonal.

    Returns:
        A compressed RLE of the same size.
    """
    height, width = mask["size"]
    pixels = max(round(share * math.hypot(height, width)), 1)
    left, top, across, down = (int(side) for side in rle.toBbox(mask))
    decoded = rle.decode(mask)
    # outside its box a mask is empty, and so is its inside: nothing else need be looked at
    inside = box = decoded[top : top + down, left : left + across]
    for axis in (0, 1):
        inside = minimum_filter1d(inside, 2 * pixels + 1, axis=axis, mode="constant", cval=0)
    decoded[top : top + down, left : left + across] = box - inside
    encoded: dict[str, Any] = rle.encode(decoded)
    return encoded
