import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gdsweep.config import ImageSet
from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.evaluate import mask_ap


def test_images_labels_and_masks(small: Any) -> None:
    splits = open_dataset(small.settings())
    train = splits.train
    assert train.classes == ("dog", "cat")  # in the order of ids, which have gaps
    assert train.category_ids == (3, 7)
    assert list(train.image_ids) == [10, 20, 30]
    assert list(train.names) == ["10.png", "20.png", "30.png"]
    assert len(train) == 3
    assert train.size(1) == (30, 40)
    pixels = np.asarray(Image.open(small.root / "train" / "20.png"))
    assert np.array_equal(train.image(1).permute(1, 2, 0).numpy(), pixels)
    found = train.instances(0)
    assert found.labels.tolist() == [0, 1]
    assert found.masks.dtype == torch.bool
    expected = torch.zeros(2, 30, 40, dtype=torch.bool)
    expected[0, 5:15, 5:17] = True
    expected[1, 5:15, 6:18] = True
    assert torch.equal(found.masks, expected)
    assert len(train.instances(2)) == 0
    assert train.instances(2).masks.shape == (0, 30, 40)
    assert [train.classes_of(i) for i in range(3)] == [{0, 1}, {0}, set()]
    assert train.trainable() == [0, 1]
    assert splits.test is splits.val  # where there is none of its own, as in the paper


def test_the_fingerprint_is_the_annotation_files(small: Any) -> None:
    splits = open_dataset(small.settings())
    digests = {
        name: hashlib.sha256((small.root / f"{name}.json").read_bytes()).hexdigest()
        for name in ("train", "val")
    }
    assert splits.fingerprint == digests
    small.content["train"]["annotations"][0]["area"] = 121.0
    changed = open_dataset(small.settings()).fingerprint
    assert changed["train"] != digests["train"]
    assert changed["val"] == digests["val"]


def test_home_and_variables_are_expanded(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(small.root.parent))
    monkeypatch.setenv("WHICH", small.root.name)
    assert len(open_dataset(small.settings(root="~/$WHICH")).train) == 3
    absolute = ImageSet(images="${HOME}/$WHICH/train", annotations="~/$WHICH/train.json")
    assert (
        len(open_dataset(small.settings(root="elsewhere", train=absolute, val=absolute)).val) == 3
    )


# ---- what is skipped and counted -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "note", "targets", "scored"),
    [
        ({"iscrowd": 1}, "train: 1 crowds are no training targets", 2, 3),
        ({"image_id": 99}, "train: 1 annotations of images that are not listed skipped", 2, 2),
        ({"segmentation": []}, "train: 1 annotations without a mask or a polygon of", 2, 2),
        ({"segmentation": [[1, 1, 9, 9]]}, "train: 1 annotations without a mask or a poly", 2, 2),
        ({"segmentation": {}}, "train: 1 annotations without a mask or a polygon of", 2, 2),
        ({"segmentation": None}, "train: 1 annotations without a mask or a polygon of", 2, 2),
        (
            {"segmentation": [[5, 5, 5, 5, 5, 5]], "area": 0},
            "train: 1 annotations of zero area are no training targets",
            2,
            3,
        ),
        (
            {"segmentation": {"size": [30, 40], "counts": [1200]}, "area": 0.0},
            "train: 1 annotations of zero area are no training targets",
            2,
            3,
        ),
        (
            {"segmentation": [[1, 1, 9, 9], [1, 1, 9, 1, 9, 9]], "area": 32},
            "train: 1 polygons of fewer than three points dropped",
            3,
            3,
        ),
        (
            {"segmentation": [[0, 0, 1, 0, 1, 1, 0, 1]], "area": 120},
            "train: 1 annotations with all coordinates between 0 and 1 are no training targets",
            2,
            3,
        ),
        (
            {"segmentation": [[-9, -9, -1, -9, -1, -1]], "area": 120},
            "train: 1 annotations outside their image are no training targets",
            2,
            3,
        ),
        (
            {"segmentation": [[20, 5, 50, 5, 50, 15]]},
            "train: 1 annotations that reach out of their image: cut at its border",
            3,
            3,
        ),
        ({"segmentation": [[20, 5, 41, 5, 41, 15]]}, None, 3, 3),  # tools round outwards
        (
            {"area": 99_999},
            "train: 1 stated areas that are larger than the box of their mask: they sort",
            3,
            3,
        ),
        ({"iscrowd": "0"}, None, 3, 3),
        ({"iscrowd": None}, None, 3, 3),
        ({"iscrowd": True}, "train: 1 crowds are no training targets", 2, 3),
        ({"iscrowd": "1"}, "train: 1 crowds are no training targets", 2, 3),
        ({"image_id": "10", "category_id": "7", "id": 2.0}, None, 3, 3),
        ({"image_id": [10]}, "train: 1 annotations of images that are not listed skipped", 2, 2),
        ({"image_id": True}, "train: 1 annotations of images that are not listed skipped", 2, 2),
        ({"bbox": None}, None, 3, 3),
        ({"area": 0}, None, 3, 3),  # the mask decides where an area claims to be zero
        ({"area": None}, "train: 1 annotations without an area: measured on the mask", 3, 3),
    ],
)
def test_odd_annotations(
    small: Any, changes: dict[str, Any], note: str | None, targets: int, scored: int
) -> None:
    small.content["train"]["annotations"][1] |= changes
    splits = open_dataset(small.settings())
    train = splits.train
    assert sum(len(train.instances(i)) for i in range(len(train))) == targets
    assert len(train.ground_truth()["annotations"]) == scored
    counted = [n for n in splits.notes if "images without instances" not in n]
    assert len(counted) == (note is not None)
    if note is not None:
        assert counted[0].startswith(note)


def test_images_without_instances_are_kept_but_never_labelled(small: Any) -> None:
    splits = open_dataset(small.settings())
    assert splits.notes == ["train: 1 images without instances are in the unlabelled pool only"]
    assert len(splits.train) == 3
    assert splits.train.trainable() == [0, 1]
    assert [image["id"] for image in splits.val.ground_truth()["images"]] == [10, 20, 30]


def test_a_polygon_too_thin_for_a_pixel_is_no_instance(small: Any) -> None:
    thin = [[5.1, 5.1, 5.2, 5.1, 5.2, 5.15]]
    small.content["train"]["annotations"][0]["segmentation"] = thin  # its area says 120
    assert open_dataset(small.settings()).train.instances(0).labels.tolist() == [1]


def test_extra_unlabelled_images(small: Any) -> None:
    extra = small.root / "extra" / "city"
    extra.mkdir(parents=True)
    Image.fromarray(np.full((8, 9, 3), 200, np.uint8)).save(extra / "a.jpg")
    (extra / "notes.txt").touch()
    annotations = "not even there.json"  # not read
    folder = ImageSet(images="extra", annotations=annotations)
    splits = open_dataset(small.settings(unlabelled=folder))
    assert splits.unlabelled is not None
    assert list(splits.unlabelled.names) == ["city/a.jpg"]
    assert splits.unlabelled.image(0).shape == (3, 8, 9)
    assert set(splits.fingerprint) == {"train", "val", "unlabelled"}


def test_unlabelled_images_of_other_sets_are_skipped(small: Any) -> None:
    pool = small.root / "val"
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(pool / "new.png")
    splits = open_dataset(small.settings(unlabelled=ImageSet(images="val")))
    assert splits.unlabelled is not None
    assert list(splits.unlabelled.names) == ["new.png"]
    assert "unlabelled: 3 images that belong to another image set skipped" in splits.notes


# ---- scoring -------------------------------------------------------------------------------------


def scores(truth: COCO, results: list[dict[str, Any]]) -> list[float]:
    found = truth.loadRes(copy.deepcopy(results))  # it writes into them
    evaluation = COCOeval(truth, found, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats.tolist()


def as_coco(content: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco


def predictions(dataset: Any, shift: int) -> list[dict[str, Any]]:
    results = []
    for index, image_id in enumerate(dataset.image_ids):
        found = dataset.instances(index)
        for label, mask in zip(found.labels.tolist(), found.masks.numpy(), strict=True):
            coded = rle.encode(np.asfortranarray(np.roll(mask, shift, axis=1).astype(np.uint8)))
            results.append(
                {
                    "image_id": image_id,
                    "category_id": dataset.category_ids[label],
                    "segmentation": {**coded, "counts": coded["counts"].decode()},
                    "score": 1 - 0.1 * len(results),
                }
            )
    return results


@pytest.mark.parametrize("shift", [0, 2, 5])
def test_ap_is_that_of_the_users_own_file(
    small: Any, make_annotation: Callable[..., dict[str, Any]], shift: int
) -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[18:28, 3:33] = 1
    crowd = rle.encode(np.asfortranarray(mask))
    runs = {"size": [30, 40], "counts": [600, 200, 400]}
    small.content["val"]["annotations"] += [
        make_annotation(
            17, 20, 7, iscrowd=1, area=300.0,
            segmentation={"size": [30, 40], "counts": crowd["counts"].decode()},
        ),
        make_annotation(18, 30, 7, area=20_000.0, segmentation=runs),  # a stated area is kept
        make_annotation(19, 30, 3, area=0, segmentation=[[2, 2, 2, 2, 2, 2]]),
    ]  # fmt: skip
    val = open_dataset(small.settings()).val
    results = predictions(val, shift)
    own = COCO(str(small.root / "val.json"))
    mine = scores(as_coco(val.ground_truth()), results)
    assert mine == scores(own, results)
    assert (mine[0] > 0.2) == (shift < 5)


def test_perfect_predictions_score_100(small: Any) -> None:
    val = open_dataset(small.settings()).val
    for _ in range(2):  # and scoring leaves no mark on the next ground truth
        assert scores(as_coco(val.ground_truth()), predictions(val, 0))[:3] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("first", [0, -1, 2**63, 2.0**40])
def test_any_whole_numbers_are_ids(small: Any, first: float) -> None:
    for content in small.content.values():
        renamed = {}
        for kind in ("images", "categories", "annotations"):
            content[kind] = [dict(e) for e in sorted(content[kind], key=lambda e: e["id"])]
            for place, entry in enumerate(content[kind]):
                renamed[kind, entry["id"]] = place + first
                entry["id"] = place + first
        for annotation in content["annotations"]:
            annotation["image_id"] = renamed["images", annotation["image_id"]]
            annotation["category_id"] = renamed["categories", annotation["category_id"]]
    val = open_dataset(small.settings()).val
    assert [val.classes_of(index) for index in range(3)] == [{0, 1}, {0}, set()]
    assert list(val.image_ids) == [int(first) + place for place in range(3)]
    assert {type(number) for number in (*val.image_ids, *val.category_ids)} == {int}
    results = predictions(val, 0)
    assert mask_ap(val.ground_truth(), results)["AP"] == pytest.approx(100)
    # the file's own ids are those of the predictions, which are scored but not renamed
    assert {r["image_id"] for r in results} == {val.image_ids[0], val.image_ids[1]}


def test_an_image_may_have_any_number_of_objects(small: Any, make_annotation: Any) -> None:
    content = small.content["train"]
    content["annotations"] = [make_annotation(n, 10) for n in range(257)]
    for number, annotation in enumerate(content["annotations"]):
        annotation["segmentation"] = [[0, 0, 1 + number % 40, 0, 1 + number % 40, 20, 0, 20]]
    train = open_dataset(small.settings()).train
    assert len(train.instances(0)) == len(train.labels_of(0)) == 257


def test_boxes_are_kept_or_measured(small: Any) -> None:
    del small.content["val"]["annotations"][1]["bbox"]
    boxes = [a["bbox"] for a in open_dataset(small.settings()).val.ground_truth()["annotations"]]
    assert boxes == [[5.0, 5.0, 12.0, 10.0], [6.0, 5.0, 12.0, 10.0], [7.0, 5.0, 12.0, 10.0]]


# ---- what is refused -----------------------------------------------------------------------------


def _train(**changes: Any) -> Callable[[Any], None]:
    def spoil(small: Any) -> None:
        small.content["train"] |= changes

    return spoil


def _annotation(**changes: Any) -> Callable[[Any], None]:
    def spoil(small: Any) -> None:
        small.content["train"]["annotations"][0] |= changes

    return spoil


def _every(**changes: Any) -> Callable[[Any], None]:
    def spoil(small: Any) -> None:
        for annotation in small.content["train"]["annotations"]:
            annotation |= changes

    return spoil


def _image(**changes: Any) -> Callable[[Any], None]:
    def spoil(small: Any) -> None:
        small.content["train"]["images"][0] |= changes

    return spoil


def _without(key: str) -> Callable[[Any], None]:
    return lambda small: small.content["train"].pop(key)


def _text(text: str) -> Callable[[Any], None]:
    def spoil(small: Any) -> None:
        small.content["train"] = text

    return spoil


def _no_file(small: Any) -> None:
    small.content["train"] = None


def _no_folder(small: Any) -> None:
    (small.root / "train").rename(small.root / "elsewhere")


def _no_image(small: Any) -> None:
    (small.root / "train" / "20.png").unlink()


def _other_classes(small: Any) -> None:
    small.content["val"]["categories"] = [{"id": 3, "name": "dog"}, {"id": 7, "name": "horse"}]


def _fewer_classes(small: Any) -> None:
    content = small.content["val"]
    content["categories"] = [{"id": 3, "name": "dog"}]
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] == 3]


RLE = {"size": [40, 30], "counts": [1200]}
TWICE = [{"id": 3, "name": "dog"}, {"id": 3, "name": "cat"}]
NAMESAKES = [{"id": 3, "name": "dog"}, {"id": 7, "name": "dog"}]

REFUSED = [
    (_no_file, "train.annotations: {root}/train.json: no such file"),
    (_text("{"), "train.annotations: {root}/train.json: not valid JSON: "),
    (_text(""), "train.json: not valid JSON: it is empty"),
    (_text("version https://git-lfs.github.com/spec/v1\n"), "JSON: it is a pointer of git-lfs"),
    (_text("<!DOCTYPE html><html>Sign in"), "train.json: not valid JSON: it is a web page (HTML)"),
    (_text("[1, 2]"), "train.json: no list 'images'"),
    (_text("{}"), "train.json: no list 'images'"),
    (_without("images"), "train.json: no list 'images'; COCO's instances format has images, "),
    (_without("annotations"), "train.json: no list 'annotations'"),
    (_without("categories"), "train.json: no list 'categories'"),
    (_train(images=[]), "train.json: no images"),
    (_train(categories=[]), "train.json: no categories"),
    (_train(annotations=[]), "train.json: no image has an instance with a mask"),
    (_train(categories=TWICE), "train.json: category id 3 is there 2 times"),
    (_train(categories=NAMESAKES), "train.json: category name dog is there 2 times"),
    (_train(categories=[{"id": 3}]), "train.json: category id 3 has no name"),
    (_image(id=10), "train.json: image id 10 is there 2 times; each must be unique"),
    (_image(id="x20"), "train.json: images[0] has no whole number as its id (x20)"),
    (_image(id=20.5), "train.json: images[0] has no whole number as its id"),
    (_image(id=[20]), "train.json: images[0] has no whole number as its id"),
    (_image(file_name=None), "train.json: image id 20 has no file_name"),
    (_image(height=0), "train.json: image id 20 has no height in whole pixels"),
    (_image(width="wide"), "train.json: image id 20 has no width in whole pixels"),
    (_image(width=10**12), "has no width in whole pixels (1 to 100,000)"),
    (_annotation(id=2), "train.json: annotation id 2 is there 2 times"),
    (_annotation(id=None), "train.json: annotations[0] has no whole number as its id"),
    (
        _annotation(category_id=4),
        "annotation id 1 has category_id 4, which is not among the categories (3, 7)",
    ),
    (_annotation(segmentation="x"), "annotation id 1: its segmentation is neither a list of"),
    (_annotation(segmentation=RLE), "annotation id 1: its RLE is of size 40 x 30, its image of"),
    (
        _annotation(segmentation={"size": [30, 40], "counts": [7, 7]}),
        "annotation id 1: its RLE has 14 pixels, its image 1200",
    ),
    (_annotation(segmentation={"size": [30, 40]}), "annotation id 1: its RLE has no counts"),
    (_annotation(segmentation=[["a"] * 6]), "annotation id 1: a coordinate of its polygon is no"),
    (_annotation(segmentation=[[[4, 5], [16, 5], [9, 9]]]), "1: the points of its polygon are in"),
    (_annotation(category_id=[3]), "annotation id 1 has category_id [3], which is not among"),
    (_annotation(category_id=None), "annotation id 1 has category_id None, which is not among"),
    (_annotation(iscrowd="maybe"), "annotation id 1: its iscrowd is 'maybe'; 0 and 1 are valid"),
    (_annotation(iscrowd=2), "annotation id 1: its iscrowd is 2; 0 and 1 are valid"),
    (_annotation(segmentation=[[1e9, 0, 0, 1e9, 5, 5]]), "annotation id 1: a coordinate of its"),
    (_annotation(area="big"), "annotation id 1: its area is 'big', no number"),
    (_annotation(area=float("nan")), "annotation id 1: its area is nan, no number"),
    (_annotation(area=[4]), "annotation id 1: its area is [4], no number"),
    (
        _every(segmentation=[[0.1, 0.1, 0.9, 0.1, 0.9, 0.8]]),
        "no image has an instance with a mask: 3 annotations with all coordinates between 0 and 1 "
        "are no training targets (shares of the image? COCO's are pixels)",
    ),
    (
        _every(segmentation=[[50, 5, 60, 5, 60, 15]]),
        "no image has an instance with a mask: 3 annotations outside their image are no training",
    ),
    (
        _every(segmentation=[]),
        "no image has an instance with a mask: 3 annotations without a mask or a polygon of three "
        "points skipped (a box is no mask)",
    ),
    (_every(iscrowd=1), "no image has an instance with a mask: 3 crowds are no training targets"),
    (
        _every(image_id="ten"),
        "no image has an instance with a mask: 3 annotations of images that are not listed",
    ),
    (_train(annotations=[]), "no image has an instance with a mask: it has no annotations"),
    (_no_folder, "small: train.images: {root}/train: no such folder"),
    (_no_image, "small: train.images: {root}/train: 1 of 3 images are not there, 20.png for one"),
    (_other_classes, "small: category id 7 is cat in train and horse in val; they must be the"),
    (_fewer_classes, "small: category id 7 is cat in train and missing in val; they must be"),
]


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_data_sets_are_refused_in_one_line(
    small: Any, spoil: Callable[[Any], None], message: str
) -> None:
    spoil(small)
    with pytest.raises(BadInput) as caught:
        open_dataset(small.settings())
    assert message.format(root=small.root) in str(caught.value)
    assert str(caught.value).startswith("small: ")
    assert "\n" not in str(caught.value)


def test_a_set_needs_annotations(small: Any) -> None:
    with pytest.raises(BadInput, match=r"small: val\.annotations: missing"):
        open_dataset(small.settings(val=ImageSet(images="val")))


def test_an_unlabelled_folder_without_images_is_refused(small: Any) -> None:
    (small.root / "empty").mkdir()
    with pytest.raises(BadInput, match=r"small: unlabelled\.images: .*empty: no image file"):
        open_dataset(small.settings(unlabelled=ImageSet(images="empty")))


def test_an_image_of_another_size_is_refused_when_read(small: Any) -> None:
    small.content["train"]["images"][0]["height"] = 31
    train = open_dataset(small.settings()).train
    train.image(0)
    with pytest.raises(BadInput, match=r"20\.png: the image is 30 pixels high and 40 wide .* 31"):
        train.image(1)


def test_a_file_in_a_folder_of_its_own(small: Any) -> None:
    (small.root / "train" / "deep").mkdir()
    (small.root / "train" / "20.png").rename(small.root / "train" / "deep" / "20.png")
    small.content["train"]["images"][0]["file_name"] = "deep/20.png"
    assert open_dataset(small.settings()).train.image(1).shape == (3, 30, 40)


def test_many_annotations_load_in_linear_time(small: Any, tmp_path: Path) -> None:
    import time

    def seconds(count: int) -> float:
        images = [{"id": n, "file_name": "10.png", "height": 30, "width": 40} for n in range(count)]
        entry = small.content["train"]["annotations"][0]
        annotations = [{**entry, "id": n, "image_id": n} for n in range(count)]
        small.content["train"] |= {"images": images, "annotations": annotations}
        (small.root / "train.json").write_text(json.dumps(small.content["train"]))
        settings = small.settings()
        start = time.process_time()
        open_dataset(settings)
        return time.process_time() - start

    seconds(100)
    assert seconds(16_000) < 40 * seconds(1000) + 0.5  # quadratic would be 256 times


# ---- what tools write --------------------------------------------------------------------------


def roots(name: str, *classes: tuple[int, str]) -> list[dict[str, Any]]:
    """Categories as Roboflow writes them: id 0 is the parent of all, named after the project."""
    parent = {"id": 0, "name": name, "supercategory": "none"}
    return [parent] + [
        {"id": number, "name": word, "supercategory": name} for number, word in classes
    ]


@pytest.mark.parametrize("name", ["animals", "cat"])
def test_a_root_category_nobody_uses_is_no_class(small: Any, name: str) -> None:
    for content in small.content.values():
        content["categories"] = roots(name, (3, "dog"), (7, "cat"))
    splits = open_dataset(small.settings())
    assert splits.train.classes == ("dog", "cat")
    assert splits.train.category_ids == (3, 7)
    note = f"category without annotations ({name}), no class, left out"
    assert f"train: 1 {note}" in splits.notes
    assert f"val: 1 {note}" in splits.notes


def test_a_root_category_with_an_annotation_is_a_class(small: Any) -> None:
    for content in small.content.values():
        content["categories"] = roots("animals", (3, "dog"), (7, "cat"))
        content["annotations"][0]["category_id"] = 0
    assert open_dataset(small.settings()).train.classes == ("animals", "dog", "cat")


def test_a_class_without_annotations_is_a_class(small: Any) -> None:
    for content in small.content.values():
        for category in content["categories"]:
            category["supercategory"] = "none"
        content["categories"].append({"id": 1, "name": "cow", "supercategory": "none"})
    assert open_dataset(small.settings()).train.classes == ("cow", "dog", "cat")


def test_coordinates_in_another_unit_are_noted(small: Any, make_annotation: Any) -> None:
    content = small.content["train"]
    small_ones = [
        make_annotation(n, 10, segmentation=[[n, 2, n + 7, 2, n + 7, 12]]) for n in range(10)
    ]
    content["annotations"] = small_ones
    notes = open_dataset(small.settings()).notes
    told = "all 10 polygons lie in the upper left 40% x 40% of their images; are their coordinates"
    assert any(note.startswith(f"train: {told}") for note in notes)
    content["annotations"][0]["segmentation"] = [[20, 2, 39, 2, 39, 12]]
    assert not any("upper left" in note for note in open_dataset(small.settings()).notes)
