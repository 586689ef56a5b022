"""Boundary AP against a plain implementation of the paper's definition, pixel by pixel."""

import importlib
import math
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.config import ShapesData
from gdsweep.evaluate import boundary_ap, mask_ap
from gdsweep.evaluate.boundary_ap import boundary, boundary_overlaps

DATA = ShapesData(name="shapes")


def encoded(mask: np.ndarray) -> dict[str, Any]:
    coded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": coded["counts"].decode()}


def plain_boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask with a pixel outside it, or outside the image, at most d away."""
    height, width = mask.shape
    d = max(round(0.02 * math.sqrt(height**2 + width**2)), 1)
    found = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        for v in range(y - d, y + d + 1):
            for u in range(x - d, x + d + 1):
                if not (0 <= v < height and 0 <= u < width and mask[v, u]):
                    found[y, x] = True
    return found


def plain_overlap(predicted: np.ndarray, true: np.ndarray, crowd: bool) -> float:
    if crowd:
        return float((predicted & true).sum() / predicted.sum())

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        return float((a & b).sum() / (a | b).sum())

    return min(iou(predicted, true), iou(plain_boundary(predicted), plain_boundary(true)))


def plain_ap(images: list[tuple[list[Any], list[Any]]]) -> float:
    """AP of one class; each image's predictions are (mask, score), its objects (mask, crowd)."""
    overlaps = {
        id(mask): [plain_overlap(mask, other, crowd) for other, crowd in true]
        for predicted, true in images
        for mask, _ in predicted
    }
    precisions = []
    for threshold in np.arange(0.5, 1.0, 0.05):
        judged, objects = [], 0
        for predicted, true in images:
            objects += sum(not crowd for _, crowd in true)
            taken: set[int] = set()
            for mask, score in sorted(predicted, key=lambda entry: -entry[1]):
                near = [(o, n) for n, o in enumerate(overlaps[id(mask)]) if o >= threshold - 1e-12]
                own = [(o, n) for o, n in near if not true[n][1] and n not in taken]
                if own:
                    taken.add(max(own)[1])
                    judged.append((score, True))
                elif not any(true[n][1] for _, n in near):  # within a crowd it does not count
                    judged.append((score, False))
        judged.sort(key=lambda entry: -entry[0])
        hits = np.cumsum([hit for _, hit in judged])
        recall, precision = hits / objects, hits / np.arange(1, len(hits) + 1)
        best = [max(precision[recall >= r - 1e-12], default=0) for r in np.linspace(0, 1, 101)]
        precisions.append(np.mean(best))
    return float(np.mean(precisions)) * 100


def blob(rng: np.random.RandomState, height: int, width: int) -> np.ndarray:
    """A union of discs, some of it beyond the image's edge, perhaps with a hole."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    cy, cx = rng.randint(0, height), rng.randint(0, width)
    for _ in range(3):
        dy, dx, r = cy + rng.randint(-8, 9), cx + rng.randint(-8, 9), rng.randint(7, 14)
        mask |= (y - dy) ** 2 + (x - dx) ** 2 < r**2
    return mask & ~((y - cy) ** 2 + (x - cx) ** 2 < rng.randint(0, 4) ** 2)


def scene(
    seed: int,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[tuple[list[Any], list[Any]]]]:
    """Random objects, some of them crowds, and predictions that are shifted copies of them."""
    rng = np.random.RandomState(seed)
    truth: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "a"}],
    }
    results, images = [], []
    for image in range(3):
        height, width = rng.randint(40, 90), rng.randint(40, 90)
        truth["images"].append({"id": image, "file_name": "", "height": height, "width": width})
        objects, guesses = [], []
        for number in range(3):
            mask, crowd = blob(rng, height, width), number == 2 and rng.rand() < 0.5
            objects.append((mask, crowd))
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]), "image_id": image, "category_id": 1,
                    "iscrowd": int(crowd), "area": float(mask.sum()), "bbox": [0, 0, 1, 1],
                    "segmentation": encoded(mask),
                }
            )  # fmt: skip
            for _ in range(2):
                shifted = np.roll(mask, rng.randint(-1, 2, 2), (0, 1))
                score = float(rng.rand())
                guesses.append((shifted, score))
                results.append(
                    {
                        "image_id": image,
                        "category_id": 1,
                        "score": score,
                        "segmentation": encoded(shifted),
                    }
                )  # fmt: skip
        images.append((guesses, objects))
    return truth, results, images


@pytest.mark.parametrize("size", [(20, 30), (60, 80), (90, 40), (150, 160)])
def test_a_boundary_is_two_percent_of_the_diagonal_wide(
    size: tuple[int, int],
) -> None:
    rng = np.random.RandomState(0)
    whole = np.ones(size, bool)  # its outline is the image's edge
    for mask in (whole, np.zeros(size, bool), *(blob(rng, *size) for _ in range(4))):
        found = rle.decode(boundary(encoded(mask))).astype(bool)
        assert np.array_equal(found, plain_boundary(mask))


@pytest.mark.parametrize("tool", ["pycocotools", "faster-coco-eval"])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_plain_implementations(
    monkeypatch: pytest.MonkeyPatch, tool: str, seed: int
) -> None:
    if tool == "pycocotools":
        module = importlib.import_module("gdsweep.evaluate.mask_ap")
        monkeypatch.setattr(module, "tools", lambda: (COCO, COCOeval))
    else:
        pytest.importorskip("faster_coco_eval")
    truth, results, images = scene(seed)
    found = boundary_ap(DATA, truth, results)["boundary_AP"]
    assert found == pytest.approx(plain_ap(images))
    assert 1 < found < mask_ap(truth, results)["AP"] - 1


def test_it_is_what_faster_coco_eval_calls_boundary() -> None:
    package = pytest.importorskip("faster_coco_eval")
    truth, results, _ = scene(7)
    ours = boundary_ap(DATA, truth, results)["boundary_AP"]
    for number, annotation in enumerate(truth["annotations"], start=1):
        annotation["id"] = number
    coco = package.COCO(truth)
    theirs = package.COCOeval_faster(coco, coco.loadRes(results), "boundary")
    theirs.params.maxDets = [100]
    theirs.evaluate()
    theirs.accumulate()
    precision = theirs.eval["precision"][..., 0, -1]
    expected = 100 * precision[precision > -1].mean()
    assert ours == pytest.approx(expected)


def test_a_shifted_outline_costs_more_than_the_mask_shows() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:90] = True
    shifted = np.roll(mask, 2, axis=1)
    (overlap,) = boundary_overlaps([encoded(shifted)], [encoded(mask)], [0])[0]
    assert overlap == pytest.approx(plain_overlap(shifted, mask, False))
    assert overlap < 0.7 < 78 / 82


def test_a_large_hole_costs_more_than_its_outline_shows() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:90] = True
    hollow = mask.copy()
    hollow[22:78, 22:78] = False
    (overlap,) = boundary_overlaps([encoded(hollow)], [encoded(mask)], [0])[0]
    outlines = (plain_boundary(mask) & plain_boundary(hollow)).sum()
    outlines = outlines / (plain_boundary(mask) | plain_boundary(hollow)).sum()
    assert overlap == pytest.approx(1 - 56**2 / 80**2)  # the masks' IoU: the smaller of the two
    assert outlines > overlap + 0.05


def test_perfect_predictions_score_100_and_none_score_0() -> None:
    truth, _, _ = scene(1)
    perfect = [{**a, "score": 0.5} for a in truth["annotations"] if not a["iscrowd"]]
    assert boundary_ap(DATA, truth, perfect)["boundary_AP"] == pytest.approx(100)
    assert boundary_ap(DATA, truth, [])["boundary_AP"] == 0
    truth["annotations"] = []
    assert math.isnan(boundary_ap(DATA, truth, perfect)["boundary_AP"])
