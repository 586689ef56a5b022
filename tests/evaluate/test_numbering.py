"""What is scored does not depend on how the ids are numbered, whichever package scores it."""

import copy
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.errors import BadInput
from gdsweep.evaluate import mask_ap
from gdsweep.evaluate.numbering import numbered

SCORING = importlib.import_module("gdsweep.evaluate.mask_ap")

IDS: dict[str, Callable[[int], float]] = {
    "from 0": lambda number: number - 1,
    "negative": lambda number: number - 1000,
    "2**40": lambda number: number + 2**40,
    "beyond 64 bits": lambda number: number + 2**63,
    "floats": float,
    "with gaps": lambda number: number**2 * 10,
}


def scene() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Eight images with three objects each, ids from 1, and imperfect predictions of them."""
    rng = np.random.RandomState(0)
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    truth["categories"] = [{"id": k, "name": name} for k, name in ((1, "cat"), (2, "dog"))]
    results = []
    for image in range(1, 9):
        truth["images"].append({"id": image, "file_name": "", "height": 60, "width": 60})
        for _ in range(3):
            top, left, moved = rng.randint(0, 40), rng.randint(0, 40), rng.randint(0, 4)
            category = int(rng.randint(1, 3))
            annotation = {
                "id": len(truth["annotations"]) + 1,
                "image_id": image,
                "category_id": category,
                "iscrowd": int(rng.rand() < 0.1),
                "area": 400.0,
                "bbox": [left, top, 20, 20],
                "segmentation": square(top, left),
            }
            truth["annotations"].append(annotation)
            results.append(
                {
                    "image_id": image,
                    "category_id": category,
                    "segmentation": square(top + moved, left),
                    "score": round(float(rng.rand()), 1),  # with ties
                }
            )
    return truth, results


def square(top: int, left: int) -> dict[str, Any]:
    mask = np.zeros((60, 60), np.uint8, order="F")
    mask[top : top + 20, left : left + 20] = 1
    coded = rle.encode(mask)
    return {"size": [60, 60], "counts": coded["counts"].decode()}


def renamed(
    truth: dict[str, Any], results: list[dict[str, Any]], name: Callable[[int], float], key: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same under other ids of one kind: `image_id`, `category_id` or `id`."""
    truth, results = copy.deepcopy((truth, results))
    own = {"image_id": "images", "category_id": "categories", "id": "annotations"}[key]
    for entry in truth[own]:
        entry["id"] = name(entry["id"])
    if key != "id":
        for entry in (*truth["annotations"], *results):
            entry[key] = name(entry[key])
    return truth, results


@pytest.fixture(params=["pycocotools", "faster-coco-eval"])
def tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "faster-coco-eval":
        pytest.importorskip("faster_coco_eval")
    else:
        monkeypatch.setattr(SCORING, "tools", lambda: (COCO, COCOeval))
    return SCORING.tools()


@pytest.mark.parametrize("key", ["id", "image_id", "category_id"])
@pytest.mark.parametrize("name", IDS.values(), ids=IDS.keys())
@pytest.mark.usefixtures("tools")
def test_any_ids_score_the_same(name: Callable[[int], float], key: str) -> None:
    truth, results = scene()
    expected = mask_ap(truth, results)
    assert 20 < expected["AP"] < 90
    given = renamed(truth, results, name, key)
    before = copy.deepcopy(given)
    assert mask_ap(*given) == pytest.approx(expected, nan_ok=True)
    assert given == before  # the ids of predictions that are written stay the file's


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("name", IDS.values(), ids=IDS.keys())
def test_the_truth_scores_100_against_itself(name: Callable[[int], float]) -> None:
    truth, _ = scene()
    perfect = [{**a, "score": 1.0} for a in truth["annotations"] if not a["iscrowd"]]
    for key in ("id", "image_id", "category_id"):
        truth, perfect = renamed(truth, perfect, name, key)
    assert mask_ap(truth, perfect)["AP"] == pytest.approx(100)


def test_numbers_follow_the_order_of_ids() -> None:
    truth, results = scene()
    truth["images"].reverse()
    given, _ = numbered(*renamed(truth, results, lambda n: n - 5, "image_id"))
    assert [image["id"] for image in given["images"]] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [a["id"] for a in given["annotations"]] == list(range(1, 25))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t, r: t["images"][1].update(id=1), "image id 1 is there twice"),
        (lambda t, r: t["categories"][1].update(id=1), "category id 1 is there twice"),
        (lambda t, r: r[0].update(image_id=99), "no image id 99, which predictions have"),
        (lambda t, r: r[0].update(category_id=3), "no category id 3, which predictions have"),
        (lambda t, r: t["annotations"][0].update(image_id=0), "id 0, which annotations have"),
    ],
)
def test_ids_that_do_not_fit_together_are_one_line(spoil: Any, message: str) -> None:
    truth, results = scene()
    spoil(truth, results)
    with pytest.raises(BadInput, match=message):
        numbered(truth, results)
