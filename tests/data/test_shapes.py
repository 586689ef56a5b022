import pickle
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.config import ShapesData
from gdsweep.data import shapes
from gdsweep.data.shapes import CLASSES, VISIBLE, ShapesDataset, draw_scene, open_shapes


def data(**settings: Any) -> ShapesData:
    return ShapesData(name="shapes", **settings)


@pytest.fixture(scope="module")
def scenes() -> ShapesDataset:
    return ShapesDataset(data(), split="train", count=300)


def test_a_scene_depends_on_world_split_and_index_alone(scenes: ShapesDataset) -> None:
    few = ShapesDataset(data(), "train", 20)
    for index in (19, 3):  # in another order, from a smaller set
        assert torch.equal(few.image(index), scenes.image(index))
        assert torch.equal(few.instances(index).masks, scenes.instances(index).masks)
        assert torch.equal(few.instances(index).labels, scenes.instances(index).labels)


@pytest.mark.parametrize("other", [(1, "train", 0), (0, "val", 0), (0, "test", 0), (0, "train", 1)])
def test_worlds_splits_and_indices_differ(other: tuple[int, str, int]) -> None:
    world, split, index = other
    scene, different = draw_scene(data(), "train", 0), draw_scene(data(world=world), split, index)
    assert (scene.image != different.image).mean() > 0.5


def test_the_generator_has_not_changed_unnoticed() -> None:
    # means, not bits: the last bit of a sine is the machine's. Whoever changes what is drawn
    # raises GENERATOR, so that nobody continues a run on other scenes
    assert shapes.GENERATOR == 1
    images = torch.stack([ShapesDataset(data(), "train", 8).image(i) for i in range(8)])
    assert images.float().mean().item() == pytest.approx(MEAN, abs=0.02)
    assert images.float().std().item() == pytest.approx(STD, abs=0.02)


MEAN, STD = 95.45, 61.59


def test_masks_are_disjoint_and_visible(scenes: ShapesDataset) -> None:
    for index in range(len(scenes)):
        masks = scenes.instances(index).masks
        assert int(masks.sum(0).max()) == 1
        assert masks.shape[1:] == scenes.size(index) == (64, 64)
        assert 2 <= len(masks) <= 4
        assert int(masks.flatten(1).sum(1).min()) >= 20


def test_no_object_hides_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    # the attempt before a colour is chosen is the one that stays
    attempts: list[np.ndarray] = []
    placed: list[np.ndarray] = []
    distance, colour = shapes._distance, shapes._colour

    def recorded_distance(*args: Any) -> np.ndarray:
        attempts.append(distance(*args))
        return attempts[-1]

    def recorded_colour(*args: Any) -> np.ndarray:
        placed.append(attempts[-1] < 0)
        return colour(*args)

    monkeypatch.setattr(shapes, "_distance", recorded_distance)
    monkeypatch.setattr(shapes, "_colour", recorded_colour)
    redrawn = hidden = cut = 0
    for index in range(200):
        attempts.clear()
        placed.clear()
        scene = draw_scene(data(), "val", index)
        assert len(placed) == len(scene.labels)
        redrawn += len(attempts) - len(placed)
        for mine, outline in enumerate(placed):
            visible = scene.owner == mine + 1
            assert visible.sum() >= VISIBLE * outline.sum()
            hidden += int(visible.sum() < outline.sum())
            cut += int(outline[0].any() or outline[-1].any())
            for other in placed[mine + 1 :]:
                assert (outline & other).sum() <= 0.4 * outline.sum()
    assert redrawn > 10  # the rule is at work
    assert hidden > 50  # and objects do occlude
    assert cut > 50  # and are cut by the border


def test_objects_stand_out(scenes: ShapesDataset) -> None:
    brighter = [
        float(image[:, masks.any(0)].float().max(0).values.mean())
        - float(image[:, ~masks.any(0)].float().max(0).values.mean())
        for image, masks in ((scenes.image(i), scenes.instances(i).masks) for i in range(100))
    ]
    assert min(brighter) > 30


def test_classes_are_balanced_and_sizes_as_described(scenes: ShapesDataset) -> None:
    labels = torch.cat([scenes.instances(i).labels for i in range(len(scenes))])
    share = torch.bincount(labels, minlength=len(CLASSES)) / len(labels)
    assert share.min() > 0.2
    counts = torch.tensor([len(scenes.instances(i)) for i in range(len(scenes))])
    assert torch.bincount(counts, minlength=5)[2:].min() > 60  # of 300, each of 2, 3 and 4


def test_geometry_grows_with_the_size() -> None:
    assert covered(size=128) == pytest.approx(covered(), rel=0.15)


def covered(**settings: Any) -> float:
    """Share of the pixels that belong to objects, over 40 scenes."""
    owners = [draw_scene(data(**settings), "train", index).owner for index in range(40)]
    return float(np.mean([(owner > 0).mean() for owner in owners]))


def test_objects_can_be_larger_and_fewer() -> None:
    assert covered(radius=(13, 20)) > 1.3 * covered()
    counts = [len(draw_scene(data(objects=(1, 2)), "train", i).labels) for i in range(40)]
    assert set(counts) == {1, 2}


def test_an_object_that_finds_no_place_is_left_out() -> None:
    crowded = data(objects=(4, 4), radius=(24, 24))
    counts = [len(draw_scene(crowded, "train", index).labels) for index in range(20)]
    assert min(counts) < 4
    assert min(counts) >= 1
    assert max(counts) == 4


@pytest.mark.parametrize(
    "change", [{"radius": (12, 9)}, {"objects": (3, 2)}, {"objects": (0, 2)}, {"radius": (9, 40)}]
)
def test_ranges_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        data(**change)


def test_scenes_are_made_when_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = shapes.draw_scene
    monkeypatch.setattr(shapes, "draw_scene", lambda *args: drawn.append(args[2]) or draw(*args))
    dataset = ShapesDataset(data(size=32), "train", 6)
    assert dataset.trainable() == range(6)
    assert dataset.names[5] == "train/5"
    assert drawn == []
    dataset.image(4), dataset.instances(4), dataset.classes_of(4), dataset.image(4)
    assert drawn == [4]
    copy = pickle.loads(pickle.dumps(dataset))  # as it travels to a worker: complete
    assert sorted(drawn) == list(range(6))
    copy.image(0)
    assert len(drawn) == 6


def test_classes_of_agrees_with_the_instances(scenes: ShapesDataset) -> None:
    for index in range(20):
        assert scenes.classes_of(index) == set(scenes.instances(index).labels.tolist())


def test_fingerprint_follows_from_the_settings() -> None:
    def prints(**changes: Any) -> dict[str, str]:
        return open_shapes(ShapesData(name="shapes", **changes)).fingerprint

    assert prints() == prints()
    assert set(prints()) == {"train", "val", "test"}
    changes = (
        {},
        {"world": 1},
        {"size": 32},
        {"train": 5},
        {"radius": (9, 16)},
        {"objects": (1, 4)},
    )
    assert len({str(prints(**change)) for change in changes}) == len(changes)


def test_splits_are_separate() -> None:
    splits = open_shapes(ShapesData(name="shapes", size=32, train=5, val=3, test=4))
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [5, 3, 4]
    assert splits.unlabelled is None
    assert not torch.equal(splits.val.image(0), splits.test.image(0))


def test_perfect_predictions_score_100() -> None:
    dataset = ShapesDataset(data(), "val", 40)
    truth = COCO()
    truth.dataset = dataset.ground_truth()
    truth.createIndex()
    results = [
        {
            "image_id": dataset.image_ids[index],
            "category_id": dataset.category_ids[label],
            "segmentation": rle.encode(np.asfortranarray(mask.numpy().astype(np.uint8))),
            "score": 0.9,
        }
        for index in range(len(dataset))
        for label, mask in zip(*vars(dataset.instances(index)).values(), strict=True)
    ]
    evaluation = COCOeval(truth, truth.loadRes(results), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == 1.0
    assert [c["name"] for c in truth.loadCats(truth.getCatIds())] == list(dataset.classes)
