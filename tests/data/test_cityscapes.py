"""Cityscapes' official layout: what is read, by which rules, and what is refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as rle
from streets import IDS, SCENE, SIZE, frame, streets

from gdsweep.config import CityscapesData
from gdsweep.data import LabelledView, UnlabelledView, WeakView, open_dataset
from gdsweep.data import cityscapes_ids as ids
from gdsweep.errors import BadInput
from gdsweep.grid import load_grid


def settings(root: Path, **changes: Any) -> CityscapesData:
    return CityscapesData(**{"name": "streets", "root": str(root), **changes})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return streets(tmp_path / "cityscapes")


def test_images_are_in_the_order_of_their_paths(root: Path) -> None:
    splits = open_dataset(settings(root))
    train = splits.train
    assert list(train.names) == [
        "aachen/aachen_000000_000019_leftImg8bit.png",
        "aachen/aachen_000001_000019_leftImg8bit.png",
        "bochum/bochum_000000_000019_leftImg8bit.png",
    ]
    assert list(train.image_ids) == [1, 2, 3]
    assert [train.size(i) for i in range(3)] == [SIZE] * 3
    pixels = np.random.RandomState(1).randint(0, 256, (*SIZE, 3), dtype=np.uint8)
    assert np.array_equal(train.image(1).permute(1, 2, 0).numpy(), pixels)
    assert splits.test is splits.val
    assert splits.unlabelled is None


def test_the_eight_classes(root: Path) -> None:
    train = open_dataset(settings(root)).train
    names = ("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
    assert train.classes == names
    assert train.category_ids == (24, 25, 26, 27, 28, 31, 32, 33)


@pytest.mark.parametrize("masks", ["instance-ids", "polygons"])
def test_instances_are_what_is_visible(root: Path, masks: str) -> None:
    truth = frame(root, "train", "aachen", 1, SCENE)
    train = open_dataset(settings(root, masks=masks)).train
    found = train.instances(1)
    assert found.labels.tolist() == [0, 2, 2]
    assert train.labels_of(1) == [0, 2, 2]
    for mask, value in zip(found.masks, (24000, 26000, 26001), strict=True):
        assert np.array_equal(mask.numpy(), truth == value)
    assert found.masks.sum((1, 2)).tolist() == [15 * 35, 30 * 20 - 10 * 20, 20 * 15]
    assert len(train.instances(2)) == 0
    assert train.instances(2).masks.shape == (0, *SIZE)
    assert [train.classes_of(i) for i in range(3)] == [{0, 2}, {0, 2}, set()]
    assert train.trainable() == train.annotated() == [0, 1]


def test_deleted_polygons_are_left_out(root: Path) -> None:
    path = root / "gtFine/train/aachen/aachen_000001_000019_gtFine_polygons.json"
    page = json.loads(path.read_text())
    page["objects"][3]["deleted"] = 1  # the person in front of a car
    path.write_text(json.dumps(page))
    found = open_dataset(settings(root, masks="polygons")).train.instances(1)
    assert found.labels.tolist() == [2, 2]
    assert found.masks.sum((1, 2)).tolist() == [30 * 20, 20 * 15]


def test_polygons_are_drawn_as_cityscapesscripts_draws_them(root: Path) -> None:
    annotation = pytest.importorskip("cityscapesscripts.helpers.annotation")
    drawing = pytest.importorskip("cityscapesscripts.preparation.json2instanceImg")
    rng = np.random.RandomState(0)
    objects = []
    for label in rng.choice([*IDS, "persongroup", "cargroup", "license plate", "polegroup"], 40):
        corners = (rng.rand(rng.randint(3, 9), 2) * (140, 80) - 10).astype(int)
        objects.append({"label": str(label), "polygon": corners.tolist()})
    path = root / "some_polygons.json"
    path.write_text(json.dumps({"imgHeight": 60, "imgWidth": 120, "objects": objects}))
    theirs = annotation.Annotation()
    theirs.fromJsonFile(str(path))
    expected = np.array(drawing.createInstanceImage(theirs, "ids"))
    assert len(np.unique(expected)) > 10
    assert np.array_equal(ids.read_polygons(path)[0], expected)


def test_ids_are_those_of_cityscapesscripts() -> None:
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    scored = [x for x in labels if x.hasInstances and not x.ignoreInEval]
    assert {x.id: x.name for x in scored} == ids.CLASSES
    skipped = [x for x in labels if x.hasInstances and x.ignoreInEval]
    assert {x.id: x.name for x in skipped} == ids.SKIPPED
    assert tuple(x.id for x in labels if x.ignoreInEval and x.id >= 0) == ids.VOID
    assert {x.name: x.id for x in labels if x.id >= 0} == ids.IDS


def test_ground_truth_has_groups_as_crowds_and_void_pixels(root: Path) -> None:
    truth = frame(root, "val", "munster", 0, SCENE)
    val = open_dataset(settings(root, masks="polygons")).val
    content = val.ground_truth()
    own = [a for a in content["annotations"] if a["image_id"] == 1]
    assert [(a["category_id"], a["iscrowd"]) for a in own] == [(26, 1), (24, 0), (26, 0), (26, 0)]
    for annotation, value in zip(own, (26, 24000, 26000, 26001), strict=True):
        mask = truth == value
        assert np.array_equal(rle.decode(annotation["segmentation"]).astype(bool), mask)
        assert annotation["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        left, top = columns.min(), rows.min()
        assert annotation["bbox"] == [
            left, top, columns.max() - left + 1, rows.max() - top + 1
        ]  # fmt: skip
    void = rle.decode(content["images"][0]["void"]).astype(bool)
    assert np.array_equal(void, truth == 3)  # a caravan itself is not void, only its group is
    assert [c["id"] for c in content["categories"]] == list(val.category_ids)
    content["annotations"].clear()
    assert len(val.ground_truth()["annotations"]) == 6  # a fresh one each time


def test_random_maps_are_encoded_exactly() -> None:
    rng = np.random.RandomState(0)
    for size in ((1, 1), (7, 1), (13, 29)):
        found = rng.choice([0, 3, 7, 24, 26, 24000, 26001, 29000, 33015], size).astype(np.int32)
        masks, void = ids.encode(found)
        assert set(masks) == {v for v in np.unique(found) if v in (24, 26, 24000, 26001, 33015)}
        for value, mask in masks.items():
            assert np.array_equal(rle.decode(mask), found == value)
        assert np.array_equal(rle.decode(void), np.isin(found, ids.VOID))


def test_what_is_skipped_is_counted(root: Path) -> None:
    assert open_dataset(settings(root)).notes == [
        "train: 1 groups are no training targets",
        "train: 1 caravans and trailers skipped",
        "train: 1 images without instances are in the unlabelled pool only",
        "train: 3 images; Cityscapes has 2975",
        "val: 1 groups are no training targets",
        "val: 1 caravans and trailers skipped",
        "val: 2 images; Cityscapes has 500",
    ]


def test_extra_images_are_looked_for_where_they_are_used(root: Path) -> None:
    assert open_dataset(settings(root, extra=True), extra=False).unlabelled is None
    with pytest.raises(BadInput, match=r"streets: .*train_extra: no such folder"):
        open_dataset(settings(root, extra=True))
    streets(root, extra=2)
    splits = open_dataset(settings(root, extra=True))
    assert splits.unlabelled is not None
    assert list(splits.unlabelled.names) == [
        "erlangen/erlangen_000000_000000_leftImg8bit.png",
        "erlangen/erlangen_000000_000001_leftImg8bit.png",
    ]
    assert splits.unlabelled.image(1).unique().tolist() == [50]
    assert set(splits.fingerprint) == {"train", "val", "unlabelled"}
    assert open_dataset(settings(root)).unlabelled is None


def test_the_fingerprint_is_the_annotation_files(root: Path) -> None:
    before = open_dataset(settings(root)).fingerprint
    assert before == open_dataset(settings(root)).fingerprint
    frame(root, "train", "aachen", 1, SCENE[:-1])
    after = open_dataset(settings(root)).fingerprint
    assert before["train"] != after["train"]
    assert before["val"] == after["val"]


def test_it_reaches_a_loader_worker_whole(root: Path) -> None:
    train = open_dataset(settings(root)).train
    again = pickle.loads(pickle.dumps(train))
    assert torch.equal(again.instances(1).masks, train.instances(1).masks)
    assert again.labels_of(0) == train.labels_of(0)


def test_every_instance_of_a_frame_is_a_target_of_its_views(root: Path) -> None:
    """As the public code's mappers, with the preset's views: `empty_targets: all`."""
    page = root / "page.yaml"
    page.write_text("title: T\naxes: {dataset: [cityscapes]}\nsettings: {method: supervised}\n")
    (cell,) = load_grid(page).cells
    views = cell.settings.augmentation.model_copy(
        update={"crop": (30, 40), "short_edges": (60, 120)}
    )
    train = open_dataset(settings(root)).train
    empty = 0
    for seed in range(40):
        for index in train.trainable():
            labels = list(train.labels_of(index))
            torch.manual_seed(seed)
            sample = LabelledView(views)(train, index)
            assert sample.targets is not None
            assert sample.targets.labels.tolist() == labels
            seen = sample.targets.masks.flatten(1).any(1)
            empty += int((~seen).sum())
            # the same window, seen through the view alone; without them but for the setting
            torch.manual_seed(seed)
            weak, targets = WeakView(views)(train.image(index), train.instances(index))
            assert targets is not None
            assert torch.equal(weak, sample.weak)
            assert torch.equal(targets.masks, sample.targets.masks)
            torch.manual_seed(seed)
            unlabelled = UnlabelledView(views)(train, index)
            assert torch.equal(unlabelled.weak, sample.weak)
            torch.manual_seed(seed)
            none = views.model_copy(update={"empty_targets": "none"})
            targets = LabelledView(none)(train, index).targets
            assert targets is not None
            assert torch.equal(targets.masks, sample.targets.masks[seen])
    assert empty > 20


def test_detectron2s_variable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DETECTRON2_DATASETS", str(root.parent))
    assert len(open_dataset(CityscapesData(name="cityscapes")).train) == 3
    monkeypatch.delenv("DETECTRON2_DATASETS")
    monkeypatch.chdir(root.parent.parent)
    with pytest.raises(BadInput, match=r"datasets/cityscapes/.*DETECTRON2_DATASETS is not set"):
        open_dataset(CityscapesData(name="cityscapes"))
    root.parent.rename(root.parent.parent / "datasets")
    assert len(open_dataset(CityscapesData(name="cityscapes")).train) == 3


# ---- what is refused -----------------------------------------------------------------------------

AACHEN = "train/aachen/aachen_000001_000019"


def _remove(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def _write(path: str, content: str | np.ndarray) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        if isinstance(content, str):
            (root / path).write_text(content)
        else:
            Image.fromarray(content).save(root / path)

    return spoil


def _no_instances(root: Path) -> None:
    for number, city in ((0, "aachen"), (1, "aachen"), (0, "bochum")):
        frame(root, "train", city, number, SCENE[:2])


PNG = f"gtFine/{AACHEN}_gtFine_instanceIds.png"
JSON = f"gtFine/{AACHEN}_gtFine_polygons.json"
ODD = json.dumps({"imgHeight": 60, "imgWidth": 120, "objects": [{"label": "cat", "polygon": []}]})
FLAT = json.dumps({"imgHeight": 60, "imgWidth": 120, "objects": [{"label": "car", "polygon": []}]})

REFUSED = [
    (lambda root: (root / "gtFine").rename(root / "gt"), "gtFine/train: no such folder; Cityscap"),
    (lambda root: (root / "leftImg8bit").rename(root / "i"), "leftImg8bit/train: no such folder"),
    (lambda root: (root / "gtFine/val").rename(root / "gtFine/v"), "gtFine/val: no such folder"),
    (
        _remove(PNG),
        "gtFine/train: 1 of 3 images have no *_gtFine_instanceIds.png, aachen/aachen_000001_000019",
    ),
    (
        _remove(f"leftImg8bit/{AACHEN}_leftImg8bit.png"),
        "leftImg8bit/train: 1 of 3 annotations have no *_leftImg8bit.png, aachen/aachen_000001",
    ),
    (_remove(JSON), "gtFine/train: 1 of 3 images have no *_gtFine_polygons.json"),
    (_write(PNG, "no image"), f"{PNG}: not a readable image: "),
    (_write(PNG, np.zeros((60, 120, 3), np.uint8)), f"{PNG}: not an instance map: it has colours"),
    (_write(PNG, np.full(SIZE, 60000, np.uint16)), f"{PNG}: not an instance map: 60000 is no id"),
    (_write(PNG, np.full(SIZE, 255, np.uint8)), f"{PNG}: not an instance map: 255 is no id of"),
    (_write(JSON, "{"), f"{JSON}: not Cityscapes' polygons: "),
    (_write(JSON, "[]"), f"{JSON}: not Cityscapes' polygons: "),
    (_write(JSON, "{}"), f"{JSON}: not Cityscapes' polygons: no 'imgWidth'"),
    (_write(JSON, ODD), "not Cityscapes' polygons: objects[0]: no class is called cat"),
    (_write(JSON, FLAT), "not Cityscapes' polygons: objects[0]: its polygon has 0 points"),
    (_no_instances, "gtFine/train: not a single instance in it"),
]


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_data_sets_are_refused_in_one_line(
    root: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(root)
    masks = "polygons" if "olygons" in message else "instance-ids"
    with pytest.raises(BadInput) as caught:
        open_dataset(settings(root, masks=masks))
    assert message in str(caught.value)
    assert str(caught.value).startswith("streets: ")
    assert "\n" not in str(caught.value)


def test_an_image_of_another_size_is_refused_when_read(root: Path) -> None:
    path = root / f"leftImg8bit/{AACHEN}_leftImg8bit.png"
    Image.fromarray(np.zeros((50, 120, 3), np.uint8)).save(path)
    train = open_dataset(settings(root)).train
    train.image(0)
    with pytest.raises(
        BadInput, match=r"the image is 50 pixels high and 120 wide .* its annotation"
    ):
        train.image(1)
