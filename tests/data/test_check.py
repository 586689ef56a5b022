"""What `gdsweep data check` says, on each kind of data set."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streets import streets

from gdsweep.commands.entry import console
from gdsweep.config import AugmentationSettings, CellSettings, ShapesData
from gdsweep.config.colours import PALETTE
from gdsweep.data.check import data_uses

GRID = """title: T
axes:
  dataset: [{name}]
  labels: [{labels}]
  method: [supervised, guided]
settings:
  schedule: {{iterations: 100}}
  distillation: {{burn_in: 50}}
  augmentation: {{geometry: resized-crop, crop: [64, 128], scale: [0.7, 1]}}
{more}
"""


TINY = "datasets: {tiny: {format: shapes, train: 60, val: 4, test: 4}}"


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(name: str, labels: str, more: str = "") -> tuple[int, str, str]:
        grid = tmp_path / "g.yaml"
        grid.write_text(GRID.format(name=name, labels=labels, more=more))
        code = console(["data", "check", str(grid), "--out", str(tmp_path / "out")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_cityscapes(check: Any, tmp_path: Path) -> None:
    streets(tmp_path / "data", extra=2)
    more = "datasets: {streets: {format: cityscapes, root: data, extra: true}}"
    code, out, err = check("streets", "50, 100", more)
    assert (code, err) == (0, "")
    lines = words(out)
    assert lines[0][:2] == ["streets", "(cityscapes,"]
    assert ["train", "3", "2"] in lines
    assert ["val", "(also", "what", "is", "reported", "on)", "2", "2"] in lines
    assert ["extra", "unlabelled", "2"] in lines
    assert ["car", "3", "2"] in lines
    assert ["person", "2", "1"] in lines
    assert ["train", "0", "1"] in lines
    assert ["all", "5", "5"] in lines
    absent = ["rider,", "truck,", "bus,", "train,", "motorcycle", "and", "1", "more"]
    assert any(line[:3] == ["50", "%", "0"] and line[3:5] == ["1", "2"] for line in lines)
    assert ["100", "%", "0", "2", "5", "drawn", *absent] in lines
    assert "train: 1 groups are no training targets" in out
    picture = Image.open(tmp_path / "out" / "streets.png")
    assert picture.width > 4 * 250
    assert picture.height > 250


def test_coco_with_unbiased_teachers_split(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.settings()
    (tmp_path / "seeds.txt").write_text(json.dumps({"10.0": {"0": [1]}}))
    sets = ", ".join(f"{s}: {{images: {s}, annotations: {s}.json}}" for s in ("train", "val"))
    more = f"datasets: {{pets: {{format: coco, {sets}}}}}"
    grid = GRID.replace("settings:\n", "settings:\n  labels: {{file: seeds.txt}}\n")
    (tmp_path / "h.yaml").write_text(grid.format(name="pets", labels="10", more=more))
    assert console(["data", "check", str(tmp_path / "h.yaml"), "--out", str(tmp_path / "out")]) == 0
    lines = words(capsys.readouterr().out)
    assert ["dog", "2", "2"] in lines
    assert ["cat", "1", "1"] in lines
    assert ["10", "%", "0", "1", "1", "seeds.txt", "cat"] in lines


def test_a_read_split_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "five.txt").write_text("train/0\ntrain/1\ntrain/2\n")
    grid = GRID.replace("settings:\n", "settings:\n  labels: {{file: five.txt}}\n")
    (tmp_path / "h.yaml").write_text(grid.format(name="tiny", labels="5", more=TINY))
    assert console(["data", "check", str(tmp_path / "h.yaml"), "--out", str(tmp_path / "out")]) == 0
    lines = words(capsys.readouterr().out)
    assert any(line[:4] == ["5", "%", "0", "3"] and line[5] == "five.txt" for line in lines)
    (tmp_path / "five.txt").write_text("train/9999\n")
    assert console(["data", "check", str(tmp_path / "h.yaml"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "five.txt: train/9999 is not among the 60 training images" in error
    assert error.count("\n") == 1


def test_the_page_shows_masks_and_both_views(check: Any, tmp_path: Path) -> None:
    code, out, _ = check("tiny", "20", TINY)
    assert code == 0
    assert "look at " in out
    page = np.asarray(Image.open(tmp_path / "out" / "tiny.png"))
    again = check("tiny", "20", TINY)
    assert again[0] == 0
    assert np.array_equal(page, np.asarray(Image.open(tmp_path / "out" / "tiny.png")))
    # four columns, six rows of pictures: that much of the page is no paper
    inked = (page < 250).any(2)
    assert 0.5 < inked.mean() < 1
    columns = (inked.mean(0) < 0.01).astype(int)
    assert int((np.diff(columns) == -1).sum()) == 4
    # outlines: instances have colours of their own
    outlines = [(page[:, :340] == np.array(colour)).all(2).sum() for colour in PALETTE]
    assert sum(pixels > 50 for pixels in outlines) >= 3


def test_one_bad_data_set_does_not_hide_the_others(check: Any, tmp_path: Path) -> None:
    more = TINY.replace("}}", "}, streets: {format: cityscapes, root: nowhere}}")
    code, out, err = check("streets, tiny", "5", more)
    assert code == 2
    assert err.startswith("gdsweep data: streets: ")
    assert err.count("\n") == 1
    assert "tiny (shapes, generated)" in out


def pets(folder: Path, **more: str) -> str:
    sets = {s: f"{{images: {s}, annotations: {s}.json}}" for s in ("train", "val")} | more
    keys = ", ".join(f"{name}: {value}" for name, value in sets.items())
    return f"datasets: {{pets: {{format: coco, root: {folder}, {keys}}}}}"


@pytest.mark.parametrize("place", ["train/30.png", "val/30.png", "more/a.png"])
def test_every_image_is_looked_at(small: Any, check: Any, tmp_path: Path, place: str) -> None:
    small.settings()
    (tmp_path / "more").mkdir()
    Image.effect_noise((40, 40), 50).save(tmp_path / "more" / "a.png")
    more = pets(tmp_path, unlabelled="{images: more}")
    assert check("pets", "50, 100", more)[0] == 0
    (tmp_path / place).write_bytes((tmp_path / place).read_bytes()[:50])
    code, _, err = check("pets", "50, 100", more)
    name = {"more": "unlabelled"}.get(place.split("/")[0], place.split("/")[0])
    count = 1 if name == "unlabelled" else 3
    assert code == 2
    told = f"pets: {name}: 1 of {count} images cannot be used: {Path(place).name}: "
    assert err.startswith(f"gdsweep data: {told}")
    assert err.count("\n") == 1


def test_all_sets_are_told_in_one_line(small: Any, check: Any, tmp_path: Path) -> None:
    small.settings()
    for path in tmp_path.glob("*/*.png"):
        path.write_bytes(b"")
    code, _, err = check("pets", "50", pets(tmp_path))
    assert code == 2
    told = "10.png: it is empty; 20.png: it is empty; 30.png: it is empty"
    sets = (f"{name}: 3 of 3 images cannot be used: {told}" for name in ("train", "val"))
    assert err == f"gdsweep data: pets: {'. '.join(sets)}\n"


def test_a_bad_grid_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert console(["data", "check", str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_each_data_set_once_with_all_that_is_asked_of_it() -> None:
    data = ShapesData(name="shapes")
    views = AugmentationSettings()
    cells = [
        CellSettings(
            dataset=data,
            method=method,
            seed=seed,
            augmentation=views.model_copy(update={"strong": strong, "test_max_edge": edge}),
        )
        for method in ("supervised", "guided")
        for seed in (1, 0)
        for strong in ("colour", "none")
        for edge in (500, 600)
    ]
    (use,) = data_uses(cells)
    assert use.extra
    assert [labels.seed for labels in use.labels] == [0, 1]
    assert [view.strong for view in use.views] == ["colour", "none"]
    (use,) = data_uses(cells[:8])
    assert not use.extra
