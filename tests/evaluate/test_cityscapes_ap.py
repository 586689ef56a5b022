"""Cityscapes AP against cityscapesscripts run on its own, on files, and by hand."""

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
from gdsweep.errors import BadInput
from gdsweep.evaluate import cityscapes_ap

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


def guesses(rng: np.random.RandomState, image_id: int, found: np.ndarray) -> list[dict[str, Any]]:
    """Instances shifted and mislabelled, twice at times; boxes of nothing; an empty mask."""
    results = []
    for value in np.unique(found):
        label = value if value < 1000 else value // 1000
        if label < 24:
            continue
        for _ in range(rng.randint(0, 3)):
            mask = np.roll(found == value, rng.randint(-3, 4, 2), (0, 1))
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
