"""Cityscapes AP through cityscapesscripts, the public code's measure on Cityscapes.

The package compares masks as image files, 2.6 seconds an image with 100 predictions, 20 minutes an
evaluation (and its np.in1d has left NumPy 2.4). Here the intersections are counted on the masks'
run lengths, in seconds for all; matching at each overlap and averaging are the package's own. Equal
to the package on files, see the test.
"""

import math
import warnings
from collections import defaultdict
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from pycocotools import mask as rle

from gdsweep.data import segmentation
from gdsweep.errors import BadInput

Entry = dict[str, Any]


def require_cityscapesscripts() -> ModuleType:
    """The package's evaluation of instances. Raises BadInput where it is not installed."""
    try:
        return import_module("cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling")
    except ImportError as error:
        raise BadInput(
            f"Cityscapes is scored by cityscapesscripts, which cannot be imported ({error}); "
            "pip install cityscapesscripts"
        ) from None


def cityscapes_ap(ground_truth: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, float]:
    """Cityscapes' AP of COCO-format results.

    Args:
        ground_truth: `CityscapesDataset.ground_truth()`: instances, groups as crowds, and of each
            image the void pixels.
        results: `image_id`, `category_id`, `segmentation` (RLE) and `score` of each instance.

    Returns:
        AP (overlaps 0.5 to 0.95) and AP50 in percent, means over the classes that are there; NaN
        where no class is.

    Raises:
        BadInput: cityscapesscripts is not installed.
    """
    package = require_cityscapesscripts()
    package.setInstanceLabels(package.args)
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    truths, found = defaultdict(list), defaultdict(list)
    for annotation in ground_truth["annotations"]:
        truths[annotation["image_id"]].append(annotation)
    for result in results:
        found[result["image_id"]].append(result)
    matches = {
        image["id"]: _matched(truths[image["id"]], found[image["id"]], image["void"], names)
        for image in ground_truth["images"]
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")  # no class is there: NaN
        averages = package.computeAverages(
            package.evaluateMatches(matches, package.args), package.args
        )
    AP, AP50 = float(averages["allAp"]) * 100, float(averages["allAp50%"]) * 100
    return {"AP": AP, "AP50": AP50, **dict.fromkeys(("AP75", "APs", "APm", "APl"), math.nan)}


def _matched(
    truths: list[Entry], found: list[Entry], void: Entry, names: dict[int, str]
) -> dict[str, dict[str, list[Entry]]]:
    """One image in the package's terms: per class the instances, each with those it overlaps."""
    groundtruth: dict[str, list[Entry]] = {name: [] for name in names.values()}
    predicted: dict[str, list[Entry]] = {name: [] for name in names.values()}
    # the share of a prediction that a mask covers: what pycocotools calls the IoU with a crowd
    masks = [result["segmentation"] for result in found]
    areas = segmentation.areas(masks)
    covering = [*(truth["segmentation"] for truth in truths), void]
    shared = rle.iou(masks, covering, [1] * len(covering)) if masks else []
    own = [_instance(truth) for truth in truths]
    for truth, instance in zip(truths, own, strict=True):
        groundtruth[names[truth["category_id"]]].append({**instance, "matchedPred": []})
    places = _places(truths)
    for number, (result, pixels) in enumerate(zip(found, areas, strict=True)):
        if pixels == 0:
            continue
        overlaps = np.rint(shared[number] * float(pixels)).astype(int).tolist()
        prediction = {
            "predID": number,
            "labelID": result["category_id"],
            "pixelCount": int(pixels),
            "confidence": result["score"],
            "voidIntersection": overlaps[-1],
        }
        name = names[result["category_id"]]
        partners = []
        for truth, instance, place, overlap in zip(truths, own, places, overlaps, strict=False):
            if truth["category_id"] == result["category_id"] and overlap > 0:
                partners.append({**instance, "intersection": overlap})
                partner = groundtruth[name][place]["matchedPred"]
                partner.append({**prediction, "intersection": overlap})
        predicted[name].append({**prediction, "matchedGt": partners})
    return {"groundTruth": groundtruth, "prediction": predicted}


def _instance(truth: Entry) -> Entry:
    # the package knows a group by an id below 1000; an instance's own number plays no part
    group = truth["iscrowd"]
    return {
        "instID": truth["category_id"] if group else truth["category_id"] * 1000,
        "labelID": truth["category_id"],
        "pixelCount": int(truth["area"]),
        "medDist": -1,
        "distConf": 0.0,
    }


def _places(truths: list[Entry]) -> list[int]:
    # of each instance, its place among those of its class
    seen: dict[int, int] = defaultdict(int)
    places = []
    for truth in truths:
        places.append(seen[truth["category_id"]])
        seen[truth["category_id"]] += 1
    return places
