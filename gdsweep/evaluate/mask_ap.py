"""COCO mask AP through pycocotools, or through faster-coco-eval where that is installed.

The two agree to the last digits of a double (see the test), so which one it is is no setting.
"""

import contextlib
import io
import math
from importlib import import_module
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.evaluate.numbering import numbered

METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")
"""The six numbers, in the order detectron2 prints them."""

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
    ground_truth, results = numbered(ground_truth, results)
    coco, coco_eval = tools()
    # pycocotools prints its progress; a training log has no use for it
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _coco(coco, ground_truth)
        # loadRes refuses an empty list, which early checkpoints do produce
        found = (
            truth.loadRes(results) if results else _coco(coco, {**ground_truth, "annotations": []})
        )
        evaluation = coco_eval(truth, found, "segm")
        evaluation.params.maxDets = [detections]
        evaluation.evaluate()
        evaluation.accumulate()
    # precision: IoU thresholds x recalls x categories x areas x detection limits
    precision = evaluation.eval["precision"][..., -1]
    areas = evaluation.params.areaRngLbl
    thresholds = evaluation.params.iouThrs
    scores = {}
    for name in METRICS:
        kept = precision[..., areas.index(_AREAS[name])]
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


def _coco(coco: Any, dataset: dict[str, Any]) -> Any:
    made = coco()
    made.dataset = dataset
    made.createIndex()
    return made
