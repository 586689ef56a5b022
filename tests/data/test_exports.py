"""The exports of five labelling tools are read as they are, and score 100 against themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from exports import COUNTS, HEIGHT, TOOLS, WIDTH, objects
from pycocotools import mask as rle

from gdsweep.config import CocoData
from gdsweep.data import open_dataset
from gdsweep.data.segmentation import EncodedInstances
from gdsweep.evaluate import mask_ap

ODD = {
    "labelme": ["1 category without annotations (_background_), no class, left out"],
    "CVAT": ["1 crowds are no training targets"],
    "Label Studio": [],
    "Roboflow": ["1 category without annotations (pets-k2x9), no class, left out"],
    "SAHI": [],
}
"""What is noted of each image set."""


@pytest.mark.parametrize("tool", TOOLS)
def test_an_export_is_read_and_scores_100_against_itself(tool: str, tmp_path: Path) -> None:
    splits = open_dataset(CocoData(name="pets", root=str(tmp_path), **TOOLS[tool](tmp_path)))
    assert splits.train.classes == ("cat", "dog")
    notes = [note for note in splits.notes if "images without instances" not in note]
    assert notes == [f"{name}: {note}" for name in ("train", "val") for note in ODD[tool]]
    for split, dataset in (("train", splits.train), ("valid", splits.val)):
        for index in range(COUNTS[split]):
            assert dataset.image(index).shape == (3, HEIGHT, WIDTH)
            labels, polygons = zip(*objects(split, index), strict=True)
            if tool == "SAHI":
                polygons = tuple([[int(v) for v in p] for p in parts] for parts in polygons)
            drawn = EncodedInstances(torch.tensor(labels), list(polygons), HEIGHT, WIDTH)
            found = dataset.instances(index)
            assert found.labels.tolist() == list(labels)
            assert torch.equal(found.masks, drawn.masks)
    results = []
    for index, image_id in enumerate(splits.val.image_ids):
        found = splits.val.instances(index)
        for label, mask in zip(found.labels.tolist(), found.masks.numpy(), strict=True):
            encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
            results.append(
                {
                    "image_id": image_id,
                    "category_id": splits.val.category_ids[label],
                    "segmentation": {**encoded, "counts": encoded["counts"].decode()},
                    "score": 0.9,
                }
            )
    scores = mask_ap(splits.val.ground_truth(), results)
    assert (scores["AP"], scores["AP50"]) == (pytest.approx(100), pytest.approx(100))
