"""Cityscapes AP against cityscapesscripts run on its own, on files, and by hand."""

import copy
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from gdsweep.config import CityscapesData
from gdsweep.data import open_dataset
from gdsweep.data.cityscapes_ids import CLASSES as CITYSCAPES
from gdsweep.data.cityscapes_ids import VOID
from gdsweep.errors import BadInput
from gdsweep.evaluate import boundary_ap, cityscapes_ap

SIZE = (100, 160)
CLASSES = (24, 25, 26, 33)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    name = "cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling"
    module = pytest.importorskip(name)
    # NumPy 2.4 has removed it; what the package asks of it is isin, flattened
    flat = lambda values, others: np.isin(np.ravel(values), others)  # noqa: E731
    monkeypatch.setattr(np, "in1d", flat, raising=False)
    return module


def scene(rng: np.random.RandomState) -> np.ndarray:
    """A map of overlapping boxes: instances large and tiny, groups, void, caravans."""
    found = np.full(SIZE, 7, np.uint16)
    for number in range(rng.randint(4, 14)):
        value = int(rng.choice(CLASSES)) * 1000 + number
        kind = rng.rand()
        if kind < 0.25:
            value = int(rng.choice([*CLASSES, 3, 29, 29000 + number]))
        high, wide = rng.randint(4, 50, 2)
        top, left = rng.randint(0, SIZE[0] - high), rng.randint(0, SIZE[1] - wide)
        found[top : top + high, left : left + wide] = value
    return found


def guesses(
    rng: np.random.RandomState, image_id: int, found: np.ndarray, shift: int = 3
) -> list[dict[str, Any]]:
    """Instances shifted and mislabelled, twice at times; boxes of nothing; an empty mask."""
    results = []
    for value in np.unique(found):
        label = value if value < 1000 else value // 1000
        if label < 24:
            continue
        for _ in range(rng.randint(0, 3)):
            mask = np.roll(found == value, rng.randint(-shift, shift + 1, 2), (0, 1))
            label = int(label if label in CLASSES and rng.rand() < 0.9 else rng.choice(CLASSES))
            results.append((label, mask))
    for _ in range(rng.randint(0, 4)):
        mask = np.zeros(SIZE, bool)
        top, left = rng.randint(0, 60, 2)
        mask[top : top + rng.randint(5, 40), left : left + rng.randint(5, 40)] = True
        results.append((int(rng.choice(CLASSES)), mask))
    results.append((24, np.zeros(SIZE, bool)))
    return [result(image_id, label, mask, float(rng.rand())) for label, mask in results]


def result(image_id: int, label: int, mask: np.ndarray, score: float) -> dict[str, Any]:
    code = rle.encode(np.asfortranarray(mask, np.uint8))
    segmentation = {"size": list(SIZE), "counts": code["counts"].decode()}
    return {
        "image_id": image_id,
        "category_id": label,
        "segmentation": segmentation,
        "score": score,
    }


def written(root: Path, maps: list[np.ndarray]) -> CityscapesData:
    for split in ("train", "val"):
        for number, found in enumerate(maps):
            stem = f"ulm_{number:06}_000019"
            for part in ("leftImg8bit", "gtFine"):
                (root / part / split / "ulm").mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(np.zeros((*SIZE, 3), np.uint8))
            image.save(root / f"leftImg8bit/{split}/ulm/{stem}_leftImg8bit.png")
            path = root / f"gtFine/{split}/ulm/{stem}_gtFine_instanceIds.png"
            Image.fromarray(found).save(path)
    return CityscapesData(name="streets", root=str(root))


def on_files(package: Any, root: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """What the package itself says: a text file and a PNG per mask, then its own functions."""
    out = root / "predictions"
    out.mkdir()
    truths = sorted(str(p) for p in (root / "gtFine/val").glob("*/*_instanceIds.png"))
    pages = []
    for number in range(len(truths)):
        lines = []
        for place, entry in enumerate(results):
            if entry["image_id"] == number + 1:
                mask = rle.decode(entry["segmentation"]) * 255
                Image.fromarray(np.ascontiguousarray(mask)).save(out / f"{place}.png")
                lines.append(f"{place}.png {entry['category_id']} {entry['score']!r}\n")
        pages.append(out / f"{number}.txt")
        pages[-1].write_text("".join(lines))
    args = package.args
    args.predictionPath, args.gtInstancesFile = str(out), str(root / "instances.json")
    args.quiet = True
    package.setInstanceLabels(args)
    instances = package.getGtInstances(truths, args)
    matches = package.matchGtWithPreds([str(page) for page in pages], truths, instances, args)
    averages: dict[str, Any] = package.computeAverages(package.evaluateMatches(matches, args), args)
    return averages


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_cityscapesscripts_says(package: Any, tmp_path: Path, seed: int) -> None:
    rng = np.random.RandomState(seed)
    maps = [scene(rng) for _ in range(8)]
    results = [r for number, found in enumerate(maps) for r in guesses(rng, number + 1, found)]
    val = open_dataset(written(tmp_path, maps)).val
    mine = cityscapes_ap(val.ground_truth(), results)
    theirs = on_files(package, tmp_path, results)
    assert mine["AP"] == theirs["allAp"] * 100
    assert mine["AP50"] == theirs["allAp50%"] * 100
    assert 1 < mine["AP"] < mine["AP50"] < 99
    assert all(math.isnan(mine[name]) for name in ("AP75", "APs", "APm", "APl"))


def outline(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask with a pixel outside it, or outside the image, right beside them.

    One pixel is 0.5 % of the diagonal of SIZE.
    """
    wide = np.pad(mask, 1)
    shifts = [wide[1 + y : 1 + y + SIZE[0], 1 + x : 1 + x + SIZE[1]] for y, x in NEIGHBOURS]
    return mask & ~np.logical_and.reduce(shifts)


NEIGHBOURS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]


def plain_matches(
    found: np.ndarray, results: list[dict[str, Any]], threshold: float, names: dict[int, str]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """One image's pairs, decided here at one threshold; overlaps for the package are 1 or none."""
    truth: dict[str, list[Any]] = {name: [] for name in names.values()}
    predicted: dict[str, list[Any]] = {name: [] for name in names.values()}
    unit = {"pixelCount": 1000, "medDist": -1, "distConf": 0.0}
    for label, name in names.items():
        objects = {
            value: found == value
            for value in np.unique(found).tolist()
            if label in (value, value // 1000)
        }
        masks = [
            (rle.decode(r["segmentation"]).astype(bool), r["score"])
            for r in results
            if r["category_id"] == label
        ]
        near: dict[int, list[float]] = {value: [] for value in objects}
        for mask, score in masks:
            if not mask.any():
                continue
            fits, ignored = False, int((np.isin(found, VOID) & mask).sum())
            for value, other in objects.items():
                shared = (outline(mask) & outline(other)).sum()
                if not shared:
                    continue
                ratios = (
                    (mask & other).sum() / (mask | other).sum(),
                    shared / (outline(mask) | outline(other)).sum(),
                )
                if min(ratios) > threshold:
                    fits = True
                    near[value].append(score)
                for exempt in (value < 1000, other.sum() < 100):
                    ignored += int((mask & other).sum()) * exempt
            never = not fits and ignored / mask.sum() > threshold
            partner = [{**unit, "instID": 1000, "intersection": 1000}] if fits else []
            entry = {"confidence": score, "pixelCount": 1000, "voidIntersection": 1000 * never}
            predicted[name].append({**entry, "matchedGt": partner})
        for value, other in objects.items():
            if value >= 1000 and other.sum() >= 100:
                pairs = [
                    {"confidence": s, "pixelCount": 1000, "intersection": 1000} for s in near[value]
                ]
                truth[name].append({**unit, "instID": 1000, "matchedPred": pairs})
    return {"groundTruth": truth, "prediction": predicted}


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("seed", range(3))
def test_boundary_ap_is_the_plain_implementations(package: Any, tmp_path: Path, seed: int) -> None:
    rng = np.random.RandomState(seed)
    maps = [scene(rng) for _ in range(6)]
    results = [r for number, found in enumerate(maps) for r in guesses(rng, number + 1, found, 1)]
    data = written(tmp_path, maps)
    truth = open_dataset(data).val.ground_truth()
    mine = boundary_ap(data, truth, results)["boundary_AP"]
    package.setInstanceLabels(package.args)
    aps = []
    for threshold in np.arange(0.5, 1.0, 0.05):
        matches = {
            number: plain_matches(
                found, [r for r in results if r["image_id"] == number], threshold, CITYSCAPES
            )
            for number, found in enumerate(maps, start=1)
        }
        args = copy.copy(package.args)
        args.overlaps = np.array([threshold])
        aps.append(package.evaluateMatches(matches, args))
    assert mine == pytest.approx(100 * np.nanmean(np.concatenate(aps, -1)))
    assert 1 < mine < cityscapes_ap(truth, results)["AP"] - 1


def box(top: int, left: int, high: int, wide: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top : top + high, left : left + wide] = True
    return mask


@pytest.mark.parametrize(("top", "ap"), [(70, 100), (75, 25)])
def test_inside_a_group_a_prediction_counts_unless_it_shares_its_outline(
    package: Any, tmp_path: Path, top: int, ap: float
) -> None:
    found = np.full(SIZE, 8, np.uint16)
    found[:20, :20], found[70:90, 60:100] = 24000, 24
    data = written(tmp_path, [found])
    results = [result(1, 24, box(0, 0, 20, 20), 0.8), result(1, 24, box(top, 70, 10, 20), 0.9)]
    truth = open_dataset(data).val.ground_truth()
    assert boundary_ap(data, truth, results)["boundary_AP"] == ap
    assert cityscapes_ap(truth, results)["AP"] == 100


@pytest.mark.parametrize(
    ("outlines", "ap"),
    [
        # outlines that agree: the masks' 80 of 110 pixels are more than 5 of 10 thresholds, at
        # which both instances are found; at the others a surer false positive leaves 12.5
        ([box(0, 0, 9, 9), box(0, 0, 9, 9)], (100 + 12.5) / 2),
        # outlines of which 50 of 120 pixels agree: less than any threshold
        ([box(0, 0, 10, 10), box(0, 0, 5, 10) | box(50, 0, 4, 5)], 12.5),
    ],
)
def test_the_smaller_overlap_decides(
    package: Any, tmp_path: Path, outlines: list[np.ndarray], ap: float
) -> None:
    found = np.full(SIZE, 8, np.uint16)
    found[:11, :10], found[60:80, :20] = 26000, 26001
    masks = [box(0, 0, 11, 10), box(0, 0, 8, 10)]
    coded = [[result(1, 0, m, 0)["segmentation"] for m in those] for those in (masks, outlines)]
    drawn = {mask["counts"]: own for mask, own in zip(*coded, strict=True)}

    def outline(mask: dict[str, Any]) -> dict[str, Any]:
        return drawn.get(mask["counts"], mask)

    truth = open_dataset(written(tmp_path, [found])).val.ground_truth()
    results = [result(1, 26, masks[1], 0.9), result(1, 26, box(60, 0, 20, 20), 0.5)]
    assert cityscapes_ap(truth, results, outline)["AP"] == pytest.approx(ap)


def test_perfect_predictions_score_100_and_none_score_0(package: Any, tmp_path: Path) -> None:
    found = np.full(SIZE, 7, np.uint16)
    found[:20, :20], found[30:60, 10:50] = 24000, 26000
    val = open_dataset(written(tmp_path, [found])).val
    perfect = [result(1, 24, found == 24000, 0.9), result(1, 26, found == 26000, 0.8)]
    scores = cityscapes_ap(val.ground_truth(), perfect)
    assert (scores["AP"], scores["AP50"]) == (100, 100)
    assert cityscapes_ap(val.ground_truth(), [])["AP"] == 0
    assert cityscapes_ap(val.ground_truth(), perfect[:1])["AP"] == 50
    # a surer false positive: precision 0 and then a half; half of recall's step belongs to each
    wrong = [*perfect, result(1, 24, found == 7, 0.95)]
    assert cityscapes_ap(val.ground_truth(), wrong)["AP"] == 62.5


@pytest.mark.parametrize(
    ("value", "ap"), [(7, 62.5), (3, 100), (24, 100), (26, 62.5), (29000, 62.5)]
)
def test_predictions_on_void_and_on_groups_of_their_class_do_not_count(
    package: Any, tmp_path: Path, value: int, ap: float
) -> None:
    found = np.full(SIZE, 8, np.uint16)
    found[:20, :20], found[30:60, 10:50], found[70:90, 60:100] = 24000, 26000, value
    val = open_dataset(written(tmp_path, [found])).val
    results = [result(1, 24, found == 24000, 0.8), result(1, 26, found == 26000, 0.8)]
    results.append(result(1, 24, found == value, 0.9))
    assert cityscapes_ap(val.ground_truth(), results)["AP"] == ap


def test_too_small_for_any_class_is_no_score(package: Any, tmp_path: Path) -> None:
    found = np.full(SIZE, 7, np.uint16)
    found[:9, :9] = 24000  # instances of fewer than 100 pixels are not looked for
    val = open_dataset(written(tmp_path, [found])).val
    assert math.isnan(cityscapes_ap(val.ground_truth(), [])["AP"])


def test_an_image_may_have_any_number_of_predictions(package: Any, tmp_path: Path) -> None:
    found = np.full(SIZE, 7, np.uint16)
    found[:20, :20] = 24000
    val = open_dataset(written(tmp_path, [found])).val
    right = result(1, 24, found == 24000, 0.9)
    wrong = [result(1, 24, found == 7, 0.1) for _ in range(300)]
    assert cityscapes_ap(val.ground_truth(), [*wrong, right])["AP"] == 100


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cityscapesscripts", None)
    for name in [name for name in sys.modules if name.startswith("cityscapesscripts.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(BadInput, match="pip install cityscapesscripts") as caught:
        cityscapes_ap({"images": [], "annotations": [], "categories": []}, [])
    assert "\n" not in str(caught.value)
