"""Published splits, found among the images of a data set."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streets import streets

from gdsweep.config import CityscapesData, LabelList, LabelSettings, ShapesData
from gdsweep.data import ImageDataset, label_set, labelled_images, open_dataset
from gdsweep.data.split_files import listed_images
from gdsweep.errors import BadInput


def listed(*images: Any) -> LabelList:
    return LabelList("list.txt", tuple(sorted(images)))


@pytest.fixture
def frames(tmp_path: Path) -> ImageDataset:
    return open_dataset(CityscapesData(name="s", root=str(streets(tmp_path)))).train


def test_guided_distillations_lists(frames: ImageDataset) -> None:
    names = (
        "bochum_000000_000019_gtFine_instanceIds.png",
        "aachen_000001_000019_gtFine_instanceIds.png",
    )
    assert listed_images(frames, listed(*names)) == [1, 2]


def test_any_images_path_or_name(frames: ImageDataset) -> None:
    for name in (
        "aachen/aachen_000001_000019_leftImg8bit.png",
        "aachen_000001_000019_leftImg8bit.png",
        "gtFine/train/aachen/aachen_000001_000019_gtFine_polygons.json",
    ):
        assert listed_images(frames, listed(name)) == [1]
    scenes = open_dataset(ShapesData(name="s", train=4)).train
    assert listed_images(scenes, listed("train/3", "train/0")) == [0, 3]


def test_unbiased_teachers_indices_count_annotated_images(
    small: Any, make_annotation: Callable[..., dict[str, Any]]
) -> None:
    content = small.content["train"]
    content["images"] += [
        {"id": number, "file_name": "10.png", "height": 30, "width": 40} for number in (5, 15, 40)
    ]
    content["annotations"] += [
        make_annotation(7, 15, iscrowd=1),  # crowds only: left out
        make_annotation(8, 40),
        # detectron2 keeps an image whose object has no area, though there is nothing to learn
        make_annotation(9, 30, area=0, segmentation=[[5, 5, 5, 5, 5, 5]]),
    ]
    train = open_dataset(small.settings()).train
    assert list(train.image_ids) == [5, 10, 15, 20, 30, 40]
    assert train.annotated() == [1, 3, 4, 5]
    assert train.trainable() == [1, 3, 5]
    assert listed_images(train, listed(0, 2, 3)) == [1, 4, 5]


REFUSED = [
    (("ulm_000000_000019_gtFine_instanceIds.png",), "ulm_000000_000019_gtFine_instanceIds.png is "),
    ((1, 2), "image index 2, but only 2 training images have an annotation"),
    (
        (
            "aachen/aachen_000001_000019_leftImg8bit.png",
            "aachen_000001_000019_gtFine_polygons.json",
        ),
        "are the same image",
    ),
]


@pytest.mark.parametrize(("images", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_not_there_is_refused(
    frames: ImageDataset, images: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        listed_images(frames, listed(*images))
    assert str(caught.value).startswith("list.txt: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_two_images_have_is_refused(small: Any) -> None:
    for number, folder in ((20, "a"), (10, "b")):
        (small.root / "train" / folder).mkdir()
        image = (small.root / "train" / f"{number}.png").rename(
            small.root / "train" / folder / "x.png"
        )
        entry = next(i for i in small.content["train"]["images"] if i["id"] == number)
        entry["file_name"] = f"{folder}/{image.name}"
    train = open_dataset(small.settings()).train
    assert listed_images(train, listed("a/x.png")) == [1]
    with pytest.raises(BadInput, match=r"x\.png: several images have this name; give the path"):
        listed_images(train, listed("x.png"))


def test_the_label_set_is_drawn_or_read(frames: ImageDataset, tmp_path: Path) -> None:
    scenes = open_dataset(ShapesData(name="s", train=40)).train
    drawn = LabelSettings(percent=10)
    assert label_set(scenes, drawn, 3) == labelled_images(scenes, 10, 3)
    assert label_set(scenes, drawn.model_copy(update={"seed": 1}), 3) == labelled_images(
        scenes, 10, 1
    )
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps({"10.0": {"3": [7, 1], "4": [2]}}))
    read = drawn.model_copy(update={"file": str(file)})
    assert label_set(scenes, read, 3) == [1, 7]
    assert label_set(scenes, read.model_copy(update={"seed": 4}), 3) == [2]
    everything = read.model_copy(update={"percent": 100.0})
    assert label_set(scenes, everything, 3) == list(range(40))
