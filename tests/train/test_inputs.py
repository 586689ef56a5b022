"""The files that a run is trained on, as it begins and as it goes on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gdsweep.config import CellSettings, ImageSet, RunConfig, digests
from gdsweep.config.coco_format import CocoData
from gdsweep.data import DatasetSplits
from gdsweep.errors import TrainingFailed
from gdsweep.grid import trajectory
from gdsweep.runs import RunDir, Store, read_dataset_record, stamps_of
from gdsweep.train.inputs import check_inputs, record_inputs


class Planned:
    """A run as a launch has made it, on annotations that need not be read here."""

    def __init__(self, folder: Path, labels: dict[str, Any] | None = None, **model: Any) -> None:
        images = ImageSet(images="images", annotations="train.json")
        (folder / "train.json").write_text("[1]")
        self.data = CocoData(name="pets", root=str(folder), train=images, val=images)
        settings = CellSettings(
            dataset=self.data, model={"weights": "random", **model}, labels=labels or {}
        )
        planned = trajectory("supervised", settings)
        self.config: RunConfig = planned.config
        store = Store(folder / "runs")
        store.check_writable()
        self.run: RunDir = store.create(planned.config, planned.identity)

    def check(self, **fingerprint: str) -> None:
        check_inputs(self.run, self.config, splits(**fingerprint))

    def record(self, **fingerprint: str) -> dict[str, Any]:
        """The record that an attempt leaves."""
        stamps = stamps_of(self.data)
        record_inputs(self.run, self.config, stamps, splits(**fingerprint), "of the labels")
        content: dict[str, Any] = json.loads(self.run.dataset.read_text())
        return content


def splits(**fingerprint: str) -> DatasetSplits:
    nothing: Any = None
    return DatasetSplits(nothing, nothing, nothing, None, fingerprint)


def test_place_size_and_time_are_recorded_beside_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "YOUNG", 0.0)
    planned = Planned(tmp_path)
    record = planned.record(train="a", val="b")
    assert record["fingerprint"] == {"train": "a", "val": "b"}
    assert record["labelled_sha256"] == "of the labels"
    stat = (tmp_path / "train.json").stat()
    train = record["files"]["train"]
    mark = train.pop("mark")
    assert train == {
        "path": str(tmp_path / "train.json"), "files": 1, "size": 3, "mtime": stat.st_mtime,
    }  # fmt: skip
    assert mark == stamps_of(planned.data)["train"].mark
    written = planned.run.dataset.stat().st_mtime_ns
    planned.record(train="a", val="b")
    assert planned.run.dataset.stat().st_mtime_ns == written


@pytest.mark.parametrize("before", ["young", "without files"])
def test_a_later_attempt_completes_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    planned = Planned(tmp_path)
    if before == "young":
        assert "mark" not in planned.record(train="a", val="b")["files"]["train"]
    else:
        planned.run.dataset.write_text('{"fingerprint": {"train": "a", "val": "b"}}')
    monkeypatch.setattr(digests, "YOUNG", 0.0)
    assert planned.record(train="a", val="b")["files"]["train"]["mark"]


def test_other_annotations_are_refused(tmp_path: Path) -> None:
    planned = Planned(tmp_path)
    planned.check(train="a", val="b")
    planned.record(train="a", val="b")
    planned.check(train="a", val="b", unlabelled="of a student")
    for changed, fingerprint in {
        "val": {"train": "a", "val": "c"},
        "test": {"train": "a", "val": "b", "test": "b"},
    }.items():
        with pytest.raises(TrainingFailed, match=f"^{changed}: other annotations than pets-"):
            planned.check(**fingerprint)
    record = read_dataset_record(planned.run)
    assert record is not None
    assert record.differing({"train": "a"}) == ["val"]


@pytest.mark.parametrize("setting", ["weights", "init"])
def test_other_weights_than_planned_are_refused(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(b"one")
    planned = Planned(tmp_path, **{setting: str(file)})
    planned.check(train="a")
    file.write_bytes(b"two")
    with pytest.raises(TrainingFailed, match=rf"model\.{setting}: .*weights\.pt: other weights"):
        planned.check(train="a")


def test_other_files_are_recorded_by_their_settings(tmp_path: Path) -> None:
    for name in ("weights.pt", "labels.txt"):
        (tmp_path / name).write_text("one.jpg")
    labels = {"file": str(tmp_path / "labels.txt"), "percent": 50}
    planned = Planned(tmp_path, labels=labels, weights=str(tmp_path / "weights.pt"))
    given = planned.record(train="a")["given"]
    assert {setting: (lay["path"], lay["size"]) for setting, lay in given.items()} == {
        "labels.file": (str(tmp_path / "labels.txt"), 7),
        "model.weights": (str(tmp_path / "weights.pt"), 7),
    }
    content = hashlib.sha256(b"one.jpg").hexdigest()
    assert given["labels.file"]["sha256"] == content
    identity = json.loads(planned.run.identity.read_text())
    assert given["model.weights"]["sha256"] == identity["model"]["weights"]


def test_weights_that_were_told_by_their_place_cannot_be_compared(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(b"one")
    planned = Planned(tmp_path, weights=str(file))
    identity = json.loads(planned.run.identity.read_text())
    identity |= {"version": 1, "model": {**identity["model"], "weights": "weights.pt"}}
    planned.run.identity.write_text(json.dumps(identity))
    planned.check(train="a")
