import pytest

from gdsweep.config import CityscapesData, CocoData, ImageSet, ShapesData, expanded


def test_detectron2s_variable_is_datasets_where_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DETECTRON2_DATASETS", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("$DETECTRON2_DATASETS/coco") == "datasets/coco"
    assert expanded("${DETECTRON2_DATASETS}/coco") == "datasets/coco"
    assert expanded("$DETECTRON2_DATASETS_OLD/coco") == "$DETECTRON2_DATASETS_OLD/coco"
    assert expanded("~/coco") == "/home/me/coco"
    monkeypatch.setenv("DETECTRON2_DATASETS", "/data")
    assert expanded("$DETECTRON2_DATASETS/coco") == "/data/coco"
    assert str(CityscapesData(name="c").resolved("gtFine")) == "/data/cityscapes/gtFine"


def test_extra_images() -> None:
    images = ImageSet(images="i", annotations="a")
    assert not ShapesData(name="s").has_extra
    assert not CityscapesData(name="c").has_extra
    assert CityscapesData(name="c", extra=True).has_extra
    assert not CocoData(name="c", train=images, val=images).has_extra
    assert CocoData(name="c", train=images, val=images, unlabelled=images).has_extra


def test_scores_are_of_validation_images_where_there_are_no_others() -> None:
    images = ImageSet(images="i", annotations="a")
    without = CocoData(name="c", train=images, val=images)
    for data in (without, CityscapesData(name="c")):
        assert data.scored_split("test") == data.scored_split("val") == "val"
    for data in (without.model_copy(update={"test": images}), ShapesData(name="s")):
        assert data.scored_split("test") == "test"
        assert data.scored_split("val") == "val"
