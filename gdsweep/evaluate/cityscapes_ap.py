"""Cityscapes AP through cityscapesscripts, the public code's measure on Cityscapes.

The package compares masks as image files, 2.6 seconds an image with 100 predictions, 20 minutes an
evaluation (and its np.in1d has left NumPy 2.4). Here the intersections are counted on the masks'
run lengths, in seconds for all; matching at each overlap and averaging are the package's own. Equal
to the package on files, see the test.
"""

import math
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from pycocotools import mask as rle

from gdsweep.data import segmentation
from gdsweep.errors import BadInput

Entry = dict[str, Any]
Outline = Callable[[Entry], Entry]
"""From a mask to its outline, both compressed RLEs."""


def require_cityscapesscripts() -> ModuleType:
    """The package's evaluation of instances. Raises BadInput where it is not installed."""
    try:
        return import_module("cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling")
    except ImportError as error:
        raise BadInput(
            f"Cityscapes is scored by cityscapesscripts, which cannot be imported ({error}); "
            "pip install cityscapesscripts"
        ) from None


def cityscapes_ap(
    ground_truth: dict[str, Any], results: list[dict[str, Any]], outline: Outline | None = None
) -> dict[str, float]:
    """Cityscapes' AP of COCO-format results.

    Args:
        ground_truth: `CityscapesDataset.ground_truth()`: instances, groups as crowds, and of each
            image the void pixels.
        results: `image_id`, `category_id`, `segmentation` (RLE) and `score` of each instance.
        outline: if given, two masks overlap by the smaller of their IoU and their outlines' IoU,
            and not at all where the outlines share no pixel (see `boundary_ap`).

    Returns:
        AP (overlaps 0.5 to 0.95) and AP50 in percent, means over the classes that are there; NaN
        where no class is.

    Raises:
        BadInput: cityscapesscripts is not installed.
    """
    package = require_cityscapesscripts()
    package.setInstanceLabels(package.args)
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    truths, predictions = defaultdict(list), defaultdict(list)
    for annotation in ground_truth["annotations"]:
        truths[annotation["image_id"]].append(annotation)
    for result in results:
        predictions[result["image_id"]].append(result)
    matches = {
        image["id"]: _matched(
            truths[image["id"]],
            predictions[image["id"]],
            image["void"],
            names,
            outline and _Outlines(outline, float(package.args.minRegionSizes[0])),
        )
        for image in ground_truth["images"]
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")  # no class is there: NaN
        averages = package.computeAverages(
            package.evaluateMatches(matches, package.args), package.args
        )
    AP, AP50 = float(averages["allAp"]) * 100, float(averages["allAp50%"]) * 100
    return {"AP": AP, "AP50": AP50, **dict.fromkeys(("AP75", "APs", "APm", "APl"), math.nan)}


class _Outlines:
    """The outlines of one image's masks, each drawn once; and pairs as outlines see them."""

    def __init__(self, outline: Outline, small: float) -> None:
        self.outline, self.small = outline, small
        self._drawn: dict[int, Entry] = {}

    def of(self, mask: Entry) -> Entry:
        """The outline of a mask."""
        if id(mask) not in self._drawn:
            self._drawn[id(mask)] = self.outline(mask)
        return self._drawn[id(mask)]

    def pair(self, true: Entry, mine: Entry, masks: tuple[Entry, Entry]) -> list[Entry]:
        """The two of an overlapping pair with counts by which the package finds their overlap.

        It divides the intersection by the sum of both `pixelCount`s without the intersection. Where
        the outlines overlap less than the masks, all are theirs, times a number that keeps an
        instance from passing for a small one. Groups and small instances stay as they are: on them
        a prediction that overlaps enough is ignored one way or the other.

        Returns:
            The instance and the prediction; nothing where their outlines share no pixel.
        """
        outlines = [self.of(mask) for mask in masks]
        shared = segmentation.areas([rle.merge(outlines, intersect=True)])[0]
        if not shared:
            return []
        area, own_area, both = true["pixelCount"], mine["pixelCount"], true["intersection"]
        union = sum(segmentation.areas(outlines)) - shared
        small = true["instID"] < 1000 or area < self.small
        if small or both * union <= shared * (area + own_area - both):
            return [true, mine]
        times = math.ceil((own_area + self.small) / (shared + union))
        counts = {"intersection": times * shared}
        total = times * (shared + union)
        return [
            {**true, **counts, "pixelCount": total - own_area},
            {**mine, **counts, "pixelCount": total - area},
        ]


def _matched(
    truths: list[Entry],
    predictions: list[Entry],
    void: Entry,
    names: dict[int, str],
    outlines: _Outlines | None,
) -> dict[str, dict[str, list[Entry]]]:
    """One image in the package's terms: per class the instances, each with those it overlaps."""
    groundtruth: dict[str, list[Entry]] = {name: [] for name in names.values()}
    predicted: dict[str, list[Entry]] = {name: [] for name in names.values()}
    # the share of a prediction that a mask covers: what pycocotools calls the IoU with a crowd
    masks = [result["segmentation"] for result in predictions]
    areas = segmentation.areas(masks)
    covering = [*(truth["segmentation"] for truth in truths), void]
    shared = rle.iou(masks, covering, [1] * len(covering)) if masks else []
    own = [_instance(truth) for truth in truths]
    for truth, instance in zip(truths, own, strict=True):
        groundtruth[names[truth["category_id"]]].append({**instance, "matchedPred": []})
    places = _places(truths)
    for number, (result, pixels) in enumerate(zip(predictions, areas, strict=True)):
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
                pair = [{**entry, "intersection": overlap} for entry in (instance, prediction)]
                if outlines is not None:
                    both = truth["segmentation"], result["segmentation"]
                    pair = outlines.pair(pair[0], pair[1], both)
                partners += pair[:1]
                groundtruth[name][place]["matchedPred"] += pair[1:]
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
