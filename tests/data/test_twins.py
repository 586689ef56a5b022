"""Images that are there twice: in one set, or in two of them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gdsweep.config import ImageSet
from gdsweep.data import DatasetSplits, Part, open_dataset, twin_notes, twins


def notes(splits: DatasetSplits) -> list[str]:
    sets: dict[str, Any] = {"train": splits.train, "val": splits.val}
    if splits.unlabelled is not None:
        sets["unlabelled"] = splits.unlabelled
    return twin_notes([Part(name, s, range(len(s))) for name, s in sets.items()])


@pytest.fixture
def distinct(small: Any) -> Any:
    """The small data set with other pictures in val than in train."""
    for number, path in enumerate(sorted((small.root / "val").glob("*.png"))):
        pixels = np.random.RandomState(number).randint(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return small


def test_nothing_is_said_of_distinct_images(distinct: Any) -> None:
    assert notes(open_dataset(distinct.settings())) == []


def test_scored_images_that_are_trained_on(small: Any) -> None:
    found = notes(open_dataset(small.settings()))  # val holds train's very pictures
    assert found == ["val: 3 images are in train too: 10.png is 10.png, for one"]
    same = ImageSet(images="train", annotations="train.json")
    assert notes(open_dataset(small.settings(val=same))) == found


def test_copies_under_other_names(distinct: Any) -> None:
    root: Path = distinct.root
    (root / "more").mkdir()
    shutil.copy(root / "val/20.png", root / "more/copy.png")
    shutil.copy(root / "train/10.png", root / "train/20.png")
    found = notes(open_dataset(distinct.settings(unlabelled=ImageSet(images="more"))))
    assert found == [
        "train: 1 images are there again: 20.png is 10.png, for one",
        "unlabelled: 1 images are in val too: copy.png is 20.png, for one",
    ]


def test_one_file_listed_under_two_ids(distinct: Any) -> None:
    distinct.content["train"]["images"][0]["file_name"] = "10.png"
    assert notes(open_dataset(distinct.settings())) == [
        "train: 1 images are there again: 10.png is 10.png, for one"
    ]


def test_only_files_alike_are_read(distinct: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(twins, "_sha256", lambda path: read.append(path) or path.name)
    shutil.copy(distinct.root / "train/10.png", distinct.root / "val/10.png")
    assert len(notes(open_dataset(distinct.settings()))) == 1
    assert {path.name for path in read} == {"10.png"}
