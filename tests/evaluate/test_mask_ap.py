"""Mask AP against hand-computed cases and pycocotools' own summary."""

import math
import sys

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.config import always_measured
from gdsweep.evaluate import mask_ap


def _rle(top: int, left: int, height: int, width: int) -> dict:
    mask = np.zeros((100, 100), np.uint8, order="F")
    mask[top : top + height, left : left + width] = 1
    code = rle.encode(mask)
    return {"size": [100, 100], "counts": code["counts"].decode()}


def _truth(*boxes: tuple[int, int, int, int, int], crowds: tuple[int, ...] = ()) -> dict:
    annotations = [
        {
            "id": n + 1,
            "image_id": 1,
            "category_id": box[4],
            "segmentation": _rle(*box[:4]),
            "area": float(box[2] * box[3]),
            "bbox": [box[1], box[0], box[3], box[2]],
            "iscrowd": int(n in crowds),
        }
        for n, box in enumerate(boxes)
    ]
    return {
        "images": [{"id": 1, "width": 100, "height": 100, "file_name": "1.png"}],
        "annotations": annotations,
        "categories": [{"id": 3, "name": "a"}, {"id": 7, "name": "b"}],
    }


def _result(box: tuple[int, int, int, int, int], score: float) -> dict:
    return {"image_id": 1, "category_id": box[4], "segmentation": _rle(*box[:4]), "score": score}


SMALL, LARGE = (0, 0, 10, 10, 3), (0, 0, 100, 97, 7)


def test_perfect_predictions_score_100_and_absent_sizes_nothing():
    scores = mask_ap(_truth(SMALL, LARGE), [_result(SMALL, 0.9), _result(LARGE, 0.8)])
    assert tuple(scores) == always_measured()
    assert [scores[k] for k in ("AP", "AP50", "APs", "APl")] == pytest.approx([100] * 4)
    assert math.isnan(scores["APm"])


def test_no_predictions_score_zero():
    assert mask_ap(_truth(SMALL, LARGE), [])["AP"] == 0


def test_a_mask_of_iou_0_8_counts_at_seven_of_ten_thresholds():
    truth = _truth((0, 0, 10, 10, 3))
    scores = mask_ap(truth, [_result((0, 0, 8, 10, 3), 0.9)])
    assert scores["AP"] == pytest.approx(70)  # 0.50, 0.55, ..., 0.80
    assert scores["AP50"] == scores["AP75"] == pytest.approx(100)


def test_a_prediction_on_a_crowd_is_neither_right_nor_wrong():
    truth = _truth(SMALL, (50, 50, 40, 40, 3), crowds=(1,))
    scores = mask_ap(truth, [_result((50, 50, 20, 20, 3), 0.99), _result(SMALL, 0.5)])
    assert scores["AP"] == pytest.approx(100)


def test_only_the_best_detections_count():
    truth = _truth(SMALL)
    results = [_result((60, 60, 5, 5, 3), 0.9), _result(SMALL, 0.5)]
    assert mask_ap(truth, results, detections=1)["AP"] == 0
    assert mask_ap(truth, results, detections=2)["AP"] > 0


def test_equals_pycocotools_own_summary(capsys):
    rng = np.random.default_rng(0)
    boxes = [
        (*rng.integers(0, 50, 2).tolist(), *rng.integers(5, 50, 2).tolist(), int(c))
        for c in rng.choice([3, 7], 12)
    ]
    results = [
        _result((max(b[0] + int(rng.integers(-3, 4)), 0), b[1], b[2], b[3], b[4]), float(s))
        for b, s in zip(boxes, rng.random(12), strict=True)
    ]
    truth = _truth(*boxes)
    ours = mask_ap(truth, results)
    assert capsys.readouterr().out == ""
    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(results), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    for name, theirs in zip(always_measured(), evaluation.stats[:6], strict=True):
        if theirs == -1:
            assert math.isnan(ours[name])
        else:
            assert ours[name] == pytest.approx(theirs * 100)


def test_faster_coco_eval_says_the_same(monkeypatch):
    pytest.importorskip("faster_coco_eval")
    rng = np.random.RandomState(0)
    module = sys.modules["gdsweep.evaluate.mask_ap"]
    fast = module.tools()
    assert fast != (COCO, COCOeval)
    boxes, results = [], []
    for _ in range(40):
        corner, size = rng.randint(0, 50, 2), rng.randint(3, 50, 2)
        boxes.append((*corner, *size, int(rng.choice([3, 7]))))
        for _ in range(2):
            moved = (corner + rng.randint(-3, 4, 2)).clip(0, 50)
            results.append(_result((*moved, *boxes[-1][2:]), round(float(rng.rand()), 1)))
    truth = _truth(*boxes, crowds=(0, 5))
    for detections in (100, 7):
        scores = []
        for tools in (fast, (COCO, COCOeval)):
            monkeypatch.setattr(module, "tools", lambda tools=tools: tools)
            scores.append(mask_ap(truth, results, detections))
        assert scores[0] == pytest.approx(scores[1], rel=1e-12, nan_ok=True)
        assert 5 < scores[0]["AP"] < 95


def test_without_faster_coco_eval_pycocotools_does_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    assert sys.modules["gdsweep.evaluate.mask_ap"].tools() == (COCO, COCOeval)
    assert mask_ap(_truth(SMALL), [_result(SMALL, 0.9)])["AP"] == pytest.approx(100)
