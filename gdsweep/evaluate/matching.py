"""Predicted masks against true ones: which predictions name an object, each object once."""

import numpy as np
from pycocotools import mask as rle
from torch import Tensor


def overlaps(predicted: Tensor, true: Tensor) -> np.ndarray:
    """Intersection over union of masks.

    Args:
        predicted: bool [n, H, W].
        true: bool [m, H, W].

    Returns:
        float64 [n, m].
    """
    if not len(predicted) or not len(true):
        return np.zeros((len(predicted), len(true)))
    return np.asarray(rle.iou(_encoded(predicted), _encoded(true), [0] * len(true)))


def matched(iou: np.ndarray, scores: Tensor, limit: float = 0.5) -> int:
    """Number of predictions with an object of their own, greedily in order of descending score.

    As COCO matches: each prediction takes, of the objects that are left, the one it overlaps most,
    if by more than `limit`.

    Args:
        iou: [n, m]; 0 where a pair must not match.
        scores: [n].
    """
    left = iou.copy()
    count = 0
    for index in scores.argsort(descending=True, stable=True).tolist():
        if left.shape[1] == 0:
            break
        best = int(left[index].argmax())
        if left[index, best] > limit:
            left[:, best] = 0
            count += 1
    return count


def _encoded(masks: Tensor) -> list[dict]:
    pixels = masks.permute(1, 2, 0).cpu().numpy().astype(np.uint8)
    return list(rle.encode(np.asfortranarray(pixels)))
