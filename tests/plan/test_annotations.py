"""Annotation files that changed under a data set's name."""

import hashlib
import os
from pathlib import Path

import pytest
from streets import streets

from gdsweep import atomic
from gdsweep.config import (
    CellSettings,
    CityscapesData,
    CocoData,
    ImageSet,
    RunConfig,
    ShapesData,
)
from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.plan.annotations import check_unchanged
from gdsweep.runs import RunDir, Store


class Trained:
    """One run trained on two annotation files."""

    def __init__(self, folder: Path) -> None:
        self.train, self.val = folder / "train.json", folder / "val.json"
        self.train.write_text("[1]")
        self.val.write_text("[2]")
        images = {name: ImageSet(images="images", annotations=f"{name}.json") for name in SETS}
        self.config = RunConfig(
            run="run",
            objective="supervised",
            settings=CellSettings(dataset=CocoData(name="pets", root=str(folder), **images)),
        )
        self.store = Store(folder / "runs")
        self.store.check_writable()
        self.run: RunDir = self.store.create(self.config, {})
        fingerprint = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in (("train", self.train), ("val", self.val))
        }
        atomic.write_json(self.run.dataset, {"fingerprint": fingerprint})

    def check(self) -> None:
        check_unchanged(self.store, [self.config])


SETS = ("train", "val")


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    return Trained(tmp_path)


def later(path: Path, than: Path) -> None:
    os.utime(path, ns=(0, than.stat().st_mtime_ns + 10**9))


def test_the_same_files_pass_however_new(trained: Trained) -> None:
    trained.check()
    later(trained.train, trained.run.dataset)  # a copy of the data set has new dates
    trained.check()
    trained.val.unlink()
    trained.check()


def test_a_changed_file_is_refused(trained: Trained) -> None:
    trained.val.write_text("[3]")
    later(trained.val, trained.run.dataset)
    with pytest.raises(BadInput, match=r"val\.json: changed since .*runs/run was trained on it"):
        trained.check()


@pytest.mark.parametrize("masks", ["instance-ids", "polygons"])
def test_cityscapes(trained: Trained, tmp_path: Path, masks: str) -> None:
    streets(tmp_path / "streets")
    data = CityscapesData(name="streets", root=str(tmp_path / "streets"), masks=masks)
    trained.config = trained.config.model_copy(update={"settings": CellSettings(dataset=data)})
    atomic.write_json(trained.run.dataset, {"fingerprint": open_dataset(data).fingerprint})
    trained.check()
    end = {"instance-ids": "instanceIds.png", "polygons": "polygons.json"}[masks]
    frame = next((tmp_path / "streets" / "gtFine" / "val").rglob(f"*_{end}"))
    later(frame, trained.run.dataset)  # touched, not changed
    trained.check()
    frame.write_bytes(frame.read_bytes() + b" ")
    later(frame, trained.run.dataset)
    with pytest.raises(BadInput, match=r"gtFine/val.*: changed since .*runs/run was trained on it"):
        trained.check()
    frame.unlink()
    later(frame.parent, trained.run.dataset)  # a frame less
    with pytest.raises(BadInput, match=r"gtFine/val.*: changed"):
        trained.check()


def test_generated_and_unrecorded_data_have_no_files(trained: Trained, tmp_path: Path) -> None:
    shapes = CellSettings(dataset=ShapesData(name="shapes"))
    check_unchanged(trained.store, [trained.config.model_copy(update={"settings": shapes})])
    trained.run.dataset.unlink()
    trained.check()


def test_a_damaged_record_is_named(trained: Trained) -> None:
    trained.run.dataset.write_text("{")
    with pytest.raises(BadInput, match=r"dataset\.json: damaged"):
        trained.check()
