"""A grid written for a folder of one's own means what a grid without settings means."""

from pathlib import Path

import pytest
from own_data import write_annotations

from gdsweep.errors import BadInput
from gdsweep.grid import load_grid
from gdsweep.grid.own_data import find_sets, own_grid


def folder(base: Path, *annotations: str, images: str = "images") -> Path:
    """A data set's folder with annotation files and the images they name."""
    for name in annotations:
        write_annotations(base / name)
    (base / images).mkdir(parents=True, exist_ok=True)
    for number in range(4):
        (base / images / f"{number}.png").write_bytes(b"")
    return base


def test_the_page_is_a_grid_with_every_derived_value_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "my data", "annotations/train.json", "annotations/valid.json")
    Path("mine.yaml").write_text(own_grid(data, "mine", "test_resnet"))
    grid = load_grid("mine.yaml")
    assert grid.resolver is not None
    cell = grid.cells[0]
    assert grid.resolver.derived(cell.coordinates) == {}, "nothing is left to derive"
    found = {setting.name: setting for setting in grid.resolved_settings(cell)}
    assert (found["schedule.iterations"].value, found["schedule.iterations"].source) == (
        10_000,
        "grid",
    )
    assert cell.settings.dataset.place == data / "annotations" / "train.json"
    assert "# 50 passes over 4 images, 10,000 at least" in Path("mine.yaml").read_text()


def test_a_folder_of_images_without_labels_is_what_students_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = folder(tmp_path / "mine", "train.json", "val.json")
    (data / "unlabelled").mkdir()
    Path("mine.yaml").write_text(own_grid(data, "mine", "test_resnet"))
    cells = load_grid("mine.yaml").cells
    assert [c.coordinates["method"] for c in cells] == ["supervised", "guided"]
    assert all(c.settings.dataset.has_extra for c in cells)


def test_sets_are_told_by_name_or_folder_and_images_found(tmp_path: Path) -> None:
    roboflow = tmp_path / "export"
    for name in ("train", "valid", "test"):
        folder(roboflow, f"{name}/_annotations.coco.json", images=name)
    found = find_sets(roboflow)
    assert {key: (one.annotations, one.images) for key, one in found.items()} == {
        "train": ("train/_annotations.coco.json", "train"),
        "val": ("valid/_annotations.coco.json", "valid"),
        "test": ("test/_annotations.coco.json", "test"),
    }


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        (["train.json"], "no COCO annotation file for val"),
        (["train.json", "train-2.json", "val.json"], "could all be train"),
        ([], "no COCO annotation file for train"),
    ],
)
def test_what_is_missing_or_open_is_told(tmp_path: Path, annotations: list[str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        find_sets(folder(tmp_path / "data", *annotations))


def test_images_that_are_nowhere_are_told(tmp_path: Path) -> None:
    for name in ("train.json", "val.json"):
        write_annotations(tmp_path / "data" / name)
    with pytest.raises(BadInput, match=r"0\.png is in no folder below"):
        find_sets(tmp_path / "data")
    with pytest.raises(BadInput, match="no such folder"):
        find_sets(tmp_path / "absent")
