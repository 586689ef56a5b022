"""The real photographs of Penn-Fudan, where somebody has put them beside the repository."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.config import AugmentationSettings, CocoData, ImageSet
from gdsweep.data import (
    DatasetSplits,
    LabelledView,
    UniformSampler,
    batches,
    labelled_images,
    open_dataset,
    resize_for_test,
)

ROOT = Path(__file__).parents[3] / "shared" / "data" / "pennfudan"

pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the Penn-Fudan images are not at ../shared/data/pennfudan"
)


@pytest.fixture(scope="module")
def splits() -> DatasetSplits:
    sets = {
        name: ImageSet(images="images", annotations=f"instances_{name}.json")
        for name in ("train", "val")
    }
    return open_dataset(CocoData(name="pennfudan", root=str(ROOT), **sets))


def test_it_opens(splits: DatasetSplits) -> None:
    assert (len(splits.train), len(splits.val)) == (120, 50)
    assert len(splits.train.classes) == 1
    assert splits.notes == []
    assert len(labelled_images(splits.train, 10, 0)) == 12


def test_images_and_masks_agree_in_size(splits: DatasetSplits) -> None:
    for index in range(0, len(splits.val), 5):
        image, found = splits.val.image(index), splits.val.instances(index)
        assert tuple(image.shape[1:]) == splits.val.size(index) == tuple(found.masks.shape[1:])
        assert len(found) > 0
        assert image.float().std() > 10


def test_perfect_predictions_score_100(splits: DatasetSplits) -> None:
    truth = COCO()
    truth.dataset = splits.val.ground_truth()
    truth.createIndex()
    results: list[dict[str, Any]] = []
    for index, image_id in enumerate(splits.val.image_ids):
        masks = splits.val.instances(index).masks.permute(1, 2, 0).numpy().astype(np.uint8)
        for coded in rle.encode(np.asfortranarray(masks)):
            category = splits.val.category_ids[0]
            results.append(
                {"image_id": image_id, "category_id": category, "segmentation": coded, "score": 1.0}
            )
    evaluation = COCOeval(truth, truth.loadRes(results), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == 1.0


@pytest.mark.parametrize("geometry", ["scale-jitter", "edge-crop"])
def test_batches_of_photographs(splits: DatasetSplits, geometry: str) -> None:
    settings = AugmentationSettings(
        geometry=geometry,  # type: ignore[arg-type]
        crop=(256, 256),
        short_edges=(200, 320),
        colour_distortion=True,
    )
    train = splits.train
    sampler = UniformSampler(train.trainable(), 0, "labelled")
    view = LabelledView(settings)
    found = next(batches(train, sampler, view, batch=6, seed=0, stream="labelled"))
    assert sum(len(sample.targets or ()) for sample in found) > 0
    for sample in found:
        assert sample.targets is not None
        assert sample.targets.masks.shape[1:] == sample.weak.shape[1:]
        assert max(sample.weak.shape[1:]) <= 256


def test_test_size(splits: DatasetSplits) -> None:
    settings = AugmentationSettings(test_short_edge=240, test_max_edge=400)
    assert min(resize_for_test(splits.val.image(0), settings).shape[1:]) == 240
