"""What a run trains on: Cityscapes from its own files, extra images, and published splits."""

import json
import sys

import pytest
from streets import streets
from tiny import BEST, TINY, train

from gdsweep.config import LabelSettings, read_label_list
from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.evaluate import cityscapes_ap
from gdsweep.runs import Score, Wanted, read_best, read_metrics


@pytest.fixture
def cityscapes(tmp_path, monkeypatch):
    """Runs are on Cityscapes from now on, with extra images of which there are so many."""
    pytest.importorskip("cityscapesscripts")

    def write(extra: int) -> None:
        root = streets(tmp_path / "cityscapes", extra=extra)
        data = {"name": "streets", "format": "cityscapes", "root": str(root), "extra": True}
        monkeypatch.setitem(TINY, "dataset", data)

    return write


def test_a_student_on_cityscapes_is_scored_as_cityscapes_is(
    make_run, cityscapes, monkeypatch, caplog
):
    cityscapes(extra=3)
    caplog.set_level("INFO")
    seen = []

    def spy(truth, results):
        seen.append(cityscapes_ap(truth, results))
        return {**seen[-1], "AP": 10.0 + len(seen)}

    module = sys.modules["gdsweep.evaluate.average_precision"]
    monkeypatch.setattr(module, "cityscapes_ap", spy)
    run = make_run(
        "d",
        "self-distilled",
        wanted=Wanted(stop=4, best=True, scores=(BEST,)),
        labels={"percent": 50},
        schedule={"iterations": 4},
        evaluation={"period": 2},
    )
    assert train(run)
    # the best checkpoint is chosen by Cityscapes' AP, on both networks, and so is what is reported
    assert read_best(run)["student"].AP in (11, 12, 13, 14)
    assert len(seen) == 5
    score = Score.model_validate_json(run.score(BEST).read_text())
    assert score.metrics["AP"] == 15
    assert score.metrics["AP75"] is None
    assert (score.images, score.instances) == (2, 5)
    lines = read_metrics(run.metrics)
    assert [line["segm/AP"] for line in lines if "segm/AP" in line]
    assert "6 images are in the unlabelled pool" in caplog.text


def test_extra_images_are_left_out_where_labels_extra_says_so(make_run, cityscapes):
    cityscapes(extra=0)  # there is no train_extra: nobody looks for it
    for name, objective, labels in (
        ("d", "self-distilled", {"extra": False}),
        ("s", "supervised", {"extra": True}),
    ):
        run = make_run(
            name,
            objective,
            labels={"percent": 50, **labels},
            schedule={"iterations": 1},
        )
        assert train(run)


def test_another_list_than_planned_is_refused(make_run, tmp_path, caplog):
    caplog.set_level("INFO")
    file = tmp_path / "list.txt"
    file.write_text("train/1\ntrain/2\n")
    run = make_run("s", labels={"file": str(file)}, schedule={"iterations": 1})
    listed = read_label_list(LabelSettings(percent=25, file=str(file)), 0)
    run.identity.write_text(json.dumps({"labels": {"list": listed.sha256}}))
    assert train(run)
    assert "2 of 24 training images are labelled" in caplog.text
    run.done.unlink()
    file.write_text("train/1\ntrain/3\n")
    with pytest.raises(TrainingFailed, match=r"list\.txt: another list than s was planned with"):
        train(run)


@pytest.mark.parametrize("split", ["train", "val", "train_extra"])
def test_an_image_that_cannot_be_read_is_told_before_the_first_step(
    make_run, cityscapes, tmp_path, split
):
    cityscapes(extra=3)
    image = max((tmp_path / "cityscapes" / "leftImg8bit" / split).glob("*/*.png"))
    image.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    name = {"train": "train, unlabelled", "train_extra": "unlabelled"}.get(split, split)
    run = make_run("d", "self-distilled", wanted=Wanted(stop=4), labels={"percent": 10})
    with pytest.raises(BadInput, match=rf"{name}: 1 of . images cannot be used: .*git lfs pull"):
        train(run)
    assert not run.states()
    supervised = make_run("e", "supervised", wanted=Wanted(stop=1), labels={"percent": 10})
    if split != "val":  # not an image of this run
        assert train(supervised)
