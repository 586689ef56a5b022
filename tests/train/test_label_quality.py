"""Pseudo-labels against annotations that are hidden from training."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as rle
from tiny import TINY, merged

from gdsweep.config import CellSettings
from gdsweep.data import Instances, labelled_images, open_dataset
from gdsweep.runs import RunDir
from gdsweep.runs.shown_labels import ShownImages
from gdsweep.train import shown_labels
from gdsweep.train.distributed import Processes
from gdsweep.train.label_quality import LabelQuality
from gdsweep.train.pseudo_labels import PseudoLabels

SETTINGS = CellSettings.model_validate(merged(TINY, {"evaluation": {"pseudo_labels": 5}}))
TRAIN = open_dataset(SETTINGS.dataset).train
LABELLED = labelled_images(TRAIN, 25, 0)
ALONE = Processes(0, 1, torch.device("cpu"))


class Oracle:
    """Stands for the loss: labels made of the hidden annotations, shrunk to stride 4."""

    def __init__(self, change):
        self.change, self.seen = change, []

    def labels(self, images, teacher):
        found = []
        for image in images:
            index = next(i for i in range(len(TRAIN)) if torch.equal(TRAIN.image(i), image))
            self.seen.append(index)
            truth = TRAIN.instances(index)
            small = torch.nn.functional.avg_pool2d(truth.masks[None].float(), 4)[0] > 0.5
            labels, masks = self.change(truth.labels, small)
            scores = torch.linspace(0.9, 0.8, len(labels))
            found.append(PseudoLabels(Instances(labels, masks), scores, scores))
        return found


def measured(change, processes=ALONE):
    oracle = Oracle(change)
    values, _ = LabelQuality(TRAIN, LABELLED, SETTINGS, processes).measure(oracle, None)
    return values, oracle.seen


def test_labels_that_are_right_are_all_right():
    values, seen = measured(lambda labels, masks: (labels, masks))
    assert values == {
        "pseudo/precision": 100,
        "pseudo/coverage": 100,
        "pseudo/localisation": 100,
    }
    assert len(set(seen)) == 5
    assert not set(seen) & set(LABELLED)


def test_wrong_classes_are_located_and_duplicates_are_wrong():
    values, _ = measured(lambda labels, masks: ((labels + 1) % 4, masks))
    assert values["pseudo/localisation"] == 100
    assert values["pseudo/precision"] < 100  # unless a neighbour hides it, none is right
    values, _ = measured(lambda labels, masks: (labels.repeat(2), masks.repeat(2, 1, 1)))
    assert values["pseudo/precision"] == 50
    assert values["pseudo/coverage"] == 100
    values, _ = measured(lambda labels, masks: (labels[:1], masks[:1]))
    objects = sum(len(TRAIN.instances(i)) for i in measured(lambda a, b: (a, b))[1])
    assert values["pseudo/coverage"] == pytest.approx(100 * 5 / objects)


def test_no_labels_have_no_precision():
    values, _ = measured(lambda labels, masks: (labels[:0], masks[:0]))
    assert math.isnan(values["pseudo/precision"])
    assert values["pseudo/coverage"] == 0


def test_the_images_are_fixed_and_shared_by_processes():
    def images(**change):
        settings = CellSettings.model_validate(merged(SETTINGS.model_dump(), change))
        return LabelQuality(TRAIN, LABELLED, settings, ALONE).images

    before = torch.get_rng_state()
    assert images() == images()
    assert images() != images(seed=1)
    assert len(images(evaluation={"pseudo_labels": 100})) == len(TRAIN) - len(LABELLED)
    assert torch.equal(torch.get_rng_state(), before)
    everything = LabelQuality(TRAIN, range(len(TRAIN)), SETTINGS, ALONE)
    assert everything.measure(Oracle(None), None) == ({}, [])


def test_what_is_kept_to_be_looked_at(tmp_path):
    quality = LabelQuality(TRAIN, LABELLED, SETTINGS, ALONE)
    assert len(quality.shown) == shown_labels.KEPT
    assert set(quality.shown) < set(quality.images)
    _, kept = quality.measure(Oracle(lambda labels, masks: (labels, masks)), None)
    run = RunDir(tmp_path)
    shown_labels.keep_images(run, TRAIN, quality.shown)
    shown_labels.keep_labels(run, 600, kept)
    assert run.shown_iterations() == [600]
    record = ShownImages.model_validate_json(run.shown_images.read_text())
    assert record.images == [TRAIN.image_ids[index] for index in quality.shown]
    assert record.classes[1] == "disc"
    index, number = quality.shown[0], record.images[0]
    pixels = np.asarray(Image.open(run.shown_image(number)))
    assert np.array_equal(pixels, TRAIN.image(index).permute(1, 2, 0).numpy())
    labels = json.loads(run.shown_labels(600).read_text())
    assert {label["image_id"] for label in labels} == set(record.images)
    truth = [one for one in record.truth if one["image_id"] == number]
    assert len(truth) == len(TRAIN.instances(index))
    drawn = [rle.decode(one["segmentation"]).astype(bool) for one in truth]
    assert np.array_equal(np.stack(drawn), TRAIN.instances(index).masks.numpy())
    before = run.shown_images.stat().st_mtime_ns
    shown_labels.keep_images(run, TRAIN, quality.shown)
    assert run.shown_images.stat().st_mtime_ns == before


def test_a_large_image_is_kept_small():
    masks = torch.zeros(1, 1024, 2048, dtype=torch.bool)
    masks[:, 512:] = True
    (found,) = shown_labels.small_results(TRAIN, 0, torch.tensor([0]), torch.tensor([0.5]), masks)
    assert found["segmentation"]["size"] == [240, shown_labels.LONGEST]
    assert rle.area(found["segmentation"]) == 120 * shown_labels.LONGEST
