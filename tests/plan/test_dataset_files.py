"""Annotation files that changed under a data set's name."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from streets import streets

from gdsweep import atomic
from gdsweep.config import (
    CellSettings,
    CityscapesData,
    CocoData,
    DataFormat,
    ImageSet,
    RunConfig,
    ShapesData,
    digests,
)
from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Graph
from gdsweep.plan.dataset_files import DataCheck, refuse_two_contents
from gdsweep.runs import (
    DatasetRecord,
    FilesRecord,
    RunDir,
    ScoreRef,
    Store,
    stamps_of,
    write_dataset_record,
)

SETS = ("train", "val")


class Trained:
    """One run trained on two annotation files, whose record says as much as a trainer's."""

    def __init__(self, folder: Path) -> None:
        self.train, self.val = folder / "train.json", folder / "val.json"
        self.train.write_text("[1]")
        self.val.write_text("[2]")
        self.data: DataFormat = coco(folder)
        self.store = Store(folder / "runs")
        self.store.check_writable()
        self.run: RunDir = self.store.create(self.config, {})
        self.fingerprint = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in (("train", self.train), ("val", self.val))
        }
        self.record()

    @property
    def config(self) -> RunConfig:
        settings = CellSettings(dataset=self.data)
        return RunConfig(run="run", objective="supervised", settings=settings)

    def record(self) -> None:
        files = {name: FilesRecord.of(stamp) for name, stamp in stamps_of(self.data).items()}
        write_dataset_record(self.run, DatasetRecord(fingerprint=self.fingerprint, files=files))

    def check(self) -> None:
        fault = DataCheck(self.store).fault(self.config)
        if fault is not None:
            raise BadInput(fault)


def coco(folder: Path, name: str = "pets", sets: tuple[str, ...] = SETS) -> CocoData:
    images = {key: ImageSet(images="images", annotations=f"{key}.json") for key in sets}
    return CocoData(name=name, root=str(folder), **images)


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    monkeypatch.setattr(digests, "YOUNG", 0.0)  # as if the files had lain there for long
    return Trained(tmp_path)


def copy(trained: Trained, folder: Path) -> CocoData:
    """The data set in another folder, as copies."""
    folder.mkdir()
    for path in (trained.train, trained.val):
        (folder / path.name).write_bytes(path.read_bytes())
    return coco(folder)


def never(*_: Any) -> str:
    raise AssertionError("it is read")


def test_what_lies_as_it_lay_is_not_read(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_read", never)
    trained.check()
    os.utime(trained.train)
    with pytest.raises(AssertionError, match="it is read"):
        trained.check()


def test_the_same_content_passes_wherever_and_however_new(trained: Trained, tmp_path: Path) -> None:
    os.utime(trained.train)
    trained.check()
    trained.data = copy(trained, tmp_path / "copy")
    trained.check()
    trained.val.unlink()
    trained.data = coco(tmp_path)  # what is not seen here is not judged
    trained.check()


@pytest.mark.parametrize("recorded", ["in full", "young", "without files"])
def test_a_content_that_was_replaced_is_refused_whatever_its_times_say(
    trained: Trained, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recorded == "young":
        monkeypatch.setattr(digests, "YOUNG", 60.0)
        trained.record()
    if recorded == "without files":  # as gdsweep wrote it before 26 November 2026
        atomic.write_json(trained.run.dataset, {"fingerprint": trained.fingerprint})
    trained.check()
    before = trained.val.stat()
    trained.val.write_text("[3]")
    os.utime(trained.val, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(BadInput, match=r"val\.json: changed since .*runs/run was trained on it; "):
        trained.check()


def test_other_files_under_the_name_are_refused(trained: Trained, tmp_path: Path) -> None:
    trained.data = copy(trained, tmp_path / "other")
    (tmp_path / "other" / "train.json").write_text("[4]")
    os.utime(tmp_path / "other" / "train.json", (0, 0))  # however old
    told = r"other/train\.json: not what .*runs/run was trained on, which was .*train\.json; give "
    with pytest.raises(BadInput, match=told):
        trained.check()


def test_other_images_are_scored_where_test_images_come_or_go(
    trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "test.json").write_text("[2]")
    without, trained.data = trained.data, coco(tmp_path, sets=(*SETS, "test"))
    with pytest.raises(BadInput, match=r"test\.json: .*runs/run was scored on validation images"):
        trained.check()
    trained.fingerprint["test"] = trained.fingerprint["val"]
    trained.record()
    trained.check()
    trained.data = without
    with pytest.raises(BadInput, match=r"pets has no test images, and .*runs/run was scored on"):
        trained.check()


@pytest.mark.parametrize("masks", ["instance-ids", "polygons"])
def test_cityscapes(trained: Trained, tmp_path: Path, masks: Any) -> None:
    streets(tmp_path / "streets")
    data = CityscapesData(name="streets", root=str(tmp_path / "streets"), masks=masks)
    trained.data, trained.fingerprint = data, open_dataset(data).fingerprint
    trained.record()
    trained.check()
    end = {"instance-ids": "instanceIds.png", "polygons": "polygons.json"}[masks]
    frame = next((tmp_path / "streets" / "gtFine" / "val").rglob(f"*_{end}"))
    os.utime(frame)  # touched, not changed
    trained.check()
    frame.write_bytes(frame.read_bytes() + b" ")
    with pytest.raises(BadInput, match=r"gtFine/val.*: changed since .*runs/run was trained on it"):
        trained.check()
    frame.unlink()  # a frame less
    with pytest.raises(BadInput, match=r"gtFine/val.* .*runs/run was trained on"):
        trained.check()


def test_generated_and_unrecorded_data_have_no_files(trained: Trained) -> None:
    of_files, trained.data = trained.data, ShapesData(name="shapes")
    trained.check()
    trained.data = of_files
    trained.run.dataset.unlink()
    trained.check()


@pytest.mark.parametrize("content", ["{", "[]", '{"fingerprint": 1}'])
def test_a_damaged_record_is_named(trained: Trained, content: str) -> None:
    trained.run.dataset.write_text(content)
    with pytest.raises(BadInput, match=r"dataset\.json: damaged"):
        trained.check()


def test_a_run_is_judged_once(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    check = DataCheck(trained.store)
    trained.val.write_text("[3]")
    told = check.fault(trained.config)
    assert told is not None
    monkeypatch.setattr("gdsweep.plan.dataset_files.read_dataset_record", never)
    assert check.fault(trained.config) == told


def graph_on(*data: DataFormat) -> Graph:
    ref = ScoreRef(at="best", network="student")
    cells = [Cell({"dataset": one.name}, CellSettings(dataset=one)) for one in data]
    return Graph(results=[(cell, "run", ref) for cell in cells])


def test_two_contents_under_one_name_are_refused(trained: Trained, tmp_path: Path) -> None:
    there = copy(trained, tmp_path / "copy")
    refuse_two_contents(graph_on(trained.data, there, trained.data))
    (tmp_path / "copy" / "val.json").write_text("[4]")
    told = "pets: two data sets under one name: .*val.json and .*copy/val.json; give one of them"
    with pytest.raises(BadInput, match=told):
        refuse_two_contents(graph_on(trained.data, there))
    refuse_two_contents(graph_on(trained.data, coco(tmp_path / "copy", name="cats")))
    refuse_two_contents(graph_on(trained.data, coco(tmp_path / "not here")))
    (tmp_path / "test.json").write_text("[2]")
    with pytest.raises(BadInput, match="one with test images and one without"):
        refuse_two_contents(graph_on(trained.data, coco(tmp_path, sets=(*SETS, "test"))))
