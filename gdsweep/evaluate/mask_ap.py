"""COCO mask AP through pycocotools, or through faster-coco-eval where that is installed.

The two agree to the last digits of a double (see the test), so which one it is is no setting.
"""

import contextlib
import io
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.data import segmentation
from gdsweep.evaluate.numbering import numbered

Masks = Sequence[dict[str, Any]]
"""Compressed RLEs of one size."""

Overlaps = Callable[[Masks, Masks, list[int]], np.ndarray]
"""From predictions, objects and whether each object is a crowd (1 or 0) to how much each prediction
overlaps each object, 0 to 1, float [predictions, objects]."""

_AREAS = {
    "AP": "all",
    "AP50": "all",
    "AP75": "all",
    "APs": "small",
    "APm": "medium",
    "APl": "large",
}
_IOU = {"AP50": 0.5, "AP75": 0.75}


def mask_ap(
    ground_truth: dict[str, Any], results: list[dict[str, Any]], detections: int = 100
) -> dict[str, float]:
    """Mask AP of COCO-format results against a COCO instances dictionary.

    Args:
        ground_truth: `images`, `annotations` (polygons or RLE, crowds marked) and `categories`;
            any whole numbers are ids, see `numbering`.
        results: `image_id`, `category_id`, `segmentation` (RLE) and `score` of each instance.
        detections: instances counted per image and category, those of highest score.

    Returns:
        AP (IoU 0.5 to 0.95), AP50, AP75, and AP of small, medium and large objects, in percent;
        NaN where the ground truth has no such object.

    Raises:
        BadInput: ids that do not fit together, see `numbered`.
    """
    return coco_scores(ground_truth, results, detections)


def coco_scores(
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int = 100,
    overlaps: Overlaps | None = None,
) -> dict[str, float]:
    """What `mask_ap` returns, with another measure of overlap than the masks' IoU, if given."""
    ground_truth, results = numbered(ground_truth, results)
    coco, coco_eval = tools()
    if overlaps is not None:
        coco_eval = _overlapping(coco_eval, ground_truth, results, detections, overlaps)
    # pycocotools prints its progress; a training log has no use for it
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _coco(coco, ground_truth)
        # loadRes refuses an empty list, which early checkpoints do produce
        predictions = (
            truth.loadRes(results) if results else _coco(coco, {**ground_truth, "annotations": []})
        )
        evaluation = coco_eval(truth, predictions, "segm")
        evaluation.params.maxDets = [detections]
        evaluation.evaluate()
        evaluation.accumulate()
    # precision: IoU thresholds x recalls x categories x areas x detection limits
    precision = evaluation.eval["precision"][..., -1]
    areas = evaluation.params.areaRngLbl
    thresholds = evaluation.params.iouThrs
    scores = {}
    for name, area in _AREAS.items():
        kept = precision[..., areas.index(area)]
        if name in _IOU:
            kept = kept[np.isclose(thresholds, _IOU[name])]
        kept = kept[kept > -1]
        scores[name] = float(kept.mean()) * 100 if kept.size else math.nan
    return scores


def tools() -> tuple[Any, Any]:
    """The classes COCO and COCOeval of the fastest package that is installed."""
    try:
        faster = import_module("faster_coco_eval")
    except ImportError:
        return COCO, COCOeval
    return faster.COCO, faster.COCOeval_faster


def mask_overlaps(predicted: Masks, true: Masks, crowds: list[int]) -> np.ndarray:
    """IoU of masks; with a crowd, the share of the prediction that it covers (COCO's rule)."""
    return np.asarray(rle.iou(list(predicted), list(true), crowds))


def _overlapping(
    coco_eval: Any,
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int,
    overlaps: Overlaps,
) -> Any:
    """The class `coco_eval` with `overlaps` in the place of its own."""
    sizes = {image["id"]: (image["height"], image["width"]) for image in ground_truth["images"]}
    objects, predicted_of = _by_image_and_category(ground_truth["annotations"], results)

    class Evaluation(coco_eval):
        def computeIoU(self, imgId: int, catId: int) -> Any:  # noqa: N802, both call it so
            true, predicted = objects[imgId, catId], predicted_of[imgId, catId]
            if not true or not predicted:
                return []
            # the most confident first: the order in which all of them are matched
            predicted = sorted(predicted, key=lambda result: -result["score"])[:detections]
            masks = [segmentation.encode(entry["segmentation"], *sizes[imgId]) for entry in true]
            crowds = [int(entry["iscrowd"]) for entry in true]
            return overlaps([result["segmentation"] for result in predicted], masks, crowds)

    return Evaluation


def _by_image_and_category(*lists: list[dict[str, Any]]) -> list[dict[Any, list[dict[str, Any]]]]:
    groups: list[dict[Any, list[dict[str, Any]]]] = []
    for entries in lists:
        groups.append(defaultdict(list))
        for entry in entries:
            groups[-1][entry["image_id"], entry["category_id"]].append(entry)
    return groups


def _coco(coco: Any, dataset: dict[str, Any]) -> Any:
    made = coco()
    made.dataset = dataset
    made.createIndex()
    return made
