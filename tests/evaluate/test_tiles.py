"""Tiles of a large image: where they lie, and that objects are neither cut nor counted twice."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as rle
from torch import Tensor, nn

from gdsweep.config import AugmentationSettings, EvaluationSettings
from gdsweep.config.tiles import Tiling
from gdsweep.errors import BadInput
from gdsweep.evaluate import instances_counted, mask_ap, predict_dataset
from gdsweep.evaluate.run_lengths import encode_at
from gdsweep.evaluate.tiles import Instance, TileMerger, predict_in_tiles
from gdsweep.model import Predictions

AS_IT_IS = AugmentationSettings(test_short_edge=None)


class Colours(nn.Module):
    """A network that finds what has one colour: red is the label, green the score in 255ths."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.batches: list[list[tuple[int, ...]]] = []

    def predict(
        self, images: list[Tensor], sizes: list[tuple[int, int]], detections: int = 100
    ) -> list[Predictions]:
        self.batches.append([tuple(image.shape[-2:]) for image in images])
        found = []
        for image, size in zip(images, sizes, strict=True):
            assert tuple(image.shape[-2:]) == size
            colours = [c for c in image.flatten(1).T.unique(dim=0) if c.any()]
            colours = sorted(colours, key=lambda c: -int(c[1]))[:detections]
            masks = [(image == c[:, None, None]).all(0) for c in colours]
            found.append(
                Predictions(
                    torch.tensor([int(c[0]) for c in colours]),
                    torch.tensor([int(c[1]) / 255 for c in colours]),
                    torch.stack(masks) if masks else torch.zeros(0, *size, dtype=torch.bool),
                )
            )
        return found


def picture(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Tensor:
    """Black, with boxes (top, left, bottom, right), the most confident first."""
    image = torch.zeros(3, *size, dtype=torch.uint8)
    for number, (top, left, bottom, right) in enumerate(boxes):
        colour = torch.tensor([number % 2, 250 - number, 1], dtype=torch.uint8)
        image[:, top:bottom, left:right] = colour[:, None, None]
    return image


def found_boxes(instances: list[Instance]) -> list[tuple[int, int, int, int]]:
    found = []
    for one in instances:
        left, top, width, height = (int(v) for v in rle.toBbox(one.mask))
        assert rle.area(one.mask) == width * height  # all of it, not a part
        found.append((top, left, top + height, left + width))
    return found


def tiled(image: Tensor, tiling: Tiling) -> list[Instance]:
    network: Any = Colours()
    merged = predict_in_tiles([network], image, tiling, AS_IT_IS, 100)
    assert merged is not None
    return merged[0]


@pytest.mark.parametrize("image", [(80, 80), (81, 200), (60, 333), (256, 256), (1000, 161)])
def test_tiles_cover_the_image_and_overlap(image: tuple[int, int]) -> None:
    tiling = Tiling((80, 80), 30)
    boxes = tiling.boxes(image)
    seen = np.zeros(image, int)
    for top, left, bottom, right in boxes:
        assert (bottom - top, right - left) == (min(80, image[0]), min(80, image[1]))
        seen[top:bottom, left:right] += 1
    assert seen.min() == 1
    for axis in (0, 1):
        starts = sorted({box[axis] for box in boxes})
        assert all(b - a <= 80 - 30 for a, b in itertools.pairwise(starts))
    assert (len(boxes) == 1) == tiling.fits(image)
    assert Tiling((80, 80), 30).boxes((80, 130)) == [(0, 0, 80, 80), (0, 50, 80, 130)]


def test_an_overlap_as_wide_as_a_tile_is_refused() -> None:
    with pytest.raises(BadInput, match="tiles of 64 x 80 pixels cannot overlap by 64; valid: 1 to"):
        _ = EvaluationSettings(tiles=(64, 80), tile_overlap=64).tiling


def test_every_object_is_counted_once_and_whole_wherever_it_lies() -> None:
    tiling, rng = Tiling((64, 48), 20), np.random.default_rng(0)
    for _ in range(20):
        boxes, taken = [], np.zeros((150, 170), bool)
        for _ in range(25):
            height, width = rng.integers(3, 19, 2)
            top, left = rng.integers(0, 150 - height), rng.integers(0, 170 - width)
            if not taken[top : top + height, left : left + width].any():
                taken[top : top + height, left : left + width] = True
                boxes.append((int(top), int(left), int(top + height), int(left + width)))
        instances = tiled(picture((150, 170), *boxes), tiling)
        assert found_boxes(instances) == boxes
        assert [one.label for one in instances] == [n % 2 for n in range(len(boxes))]


@pytest.mark.parametrize(
    "box",
    [
        (10, 5, 30, 145),  # across three tiles, wider than the overlap
        (5, 5, 140, 145),  # in both directions
        (0, 0, 150, 150),  # the whole image
        (40, 30, 110, 100),  # in no tile whole, around a corner of four
    ],
)
def test_an_object_larger_than_the_overlap_is_put_together(box: tuple[int, int, int, int]) -> None:
    assert found_boxes(tiled(picture((150, 150), box), Tiling((64, 64), 16))) == [box]


def test_parts_that_no_neighbour_goes_on_with_are_dropped() -> None:
    merger = TileMerger((64, 112), Tiling((64, 64), 16))
    assert merger.boxes == [(0, 0, 64, 64), (0, 48, 64, 112)]
    masks = torch.zeros(3, 64, 64, dtype=torch.bool)
    masks[0, 10:20, 30:64] = True  # of the left tile, to its right border
    masks[1, 10:20, 0:30] = True  # goes on there
    masks[2, 18:40, 0:30] = True  # another object, beside it
    merger.add(0, Predictions(torch.tensor([0]), torch.tensor([0.5]), masks[:1]))
    merger.add(1, Predictions(torch.tensor([0, 0]), torch.tensor([0.4, 0.9]), masks[1:]))
    found = merger.instances()
    assert found_boxes(found) == [(10, 30, 20, 78)]
    assert found[0].score == pytest.approx(0.45)
    other = TileMerger((64, 112), Tiling((64, 64), 16))
    other.add(0, Predictions(torch.tensor([0]), torch.tensor([0.5]), masks[:1]))
    other.add(1, Predictions(torch.tensor([1]), torch.tensor([0.4]), masks[1:2]))
    assert other.instances() == []  # of two classes


def test_an_object_has_one_part_of_a_tile_so_that_duplicates_stay_apart() -> None:
    merger = TileMerger((64, 112), Tiling((64, 64), 16))
    masks = torch.zeros(4, 64, 64, dtype=torch.bool)
    masks[:2, 10:20, 30:64] = True
    masks[2:, 10:20, 0:30] = True
    merger.add(0, Predictions(torch.tensor([0, 0]), torch.tensor([0.9, 0.3]), masks[:2]))
    merger.add(1, Predictions(torch.tensor([0, 0]), torch.tensor([0.8, 0.2]), masks[2:]))
    found = merger.instances()
    assert found_boxes(found) == [(10, 30, 20, 78)] * 2
    assert [one.score for one in found] == pytest.approx([0.85, 0.25])


def test_what_two_tiles_see_alike_is_counted_once_though_their_masks_differ() -> None:
    """An object midway between two tiles' borders, of which each tile has a mask of its own."""

    def merged(second_label: int) -> list[Instance]:
        merger = TileMerger((64, 112), Tiling((64, 64), 16))
        masks = torch.zeros(2, 64, 64, dtype=torch.bool)
        masks[0, 20:30, 51:60] = True  # 4 pixels from this tile's border, 3 from the other's
        masks[1, 20:31, 4:12] = True
        merger.add(0, Predictions(torch.tensor([0]), torch.tensor([0.6]), masks[:1]))
        merger.add(1, Predictions(torch.tensor([second_label]), torch.tensor([0.7]), masks[1:]))
        return merger.instances()

    assert [one.score for one in merged(0)] == pytest.approx([0.7])
    assert len(merged(1)) == 2


def test_duplicates_of_one_tile_stay_as_they_are_in_an_image_seen_whole() -> None:
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[:, 20:30, 5:15] = True
    merger = TileMerger((64, 112), Tiling((64, 64), 16))
    merger.add(0, Predictions(torch.tensor([0, 0]), torch.tensor([0.6, 0.5]), masks))
    assert len(merger.instances()) == 2


def test_run_lengths_are_put_in_their_place() -> None:
    rng = np.random.default_rng(0)
    for size in ((1, 1), (7, 5), (40, 30)):
        for share in (0.02, 0.5, 1.0):
            for _ in range(10):
                h, w = (int(rng.integers(1, side + 1)) for side in size)
                row, column = int(rng.integers(size[0] - h + 1)), int(rng.integers(size[1] - w + 1))
                mask = rng.random((h, w)) < share
                mask[0, 0] |= not mask.any()
                whole = np.zeros(size, bool)
                whole[row : row + h, column : column + w] = mask
                expected = rle.encode(np.asfortranarray(whole, np.uint8))
                assert encode_at(mask, (row, column), size) == expected


class Pictures:
    """A data set of pictures and of the boxes in them."""

    category_ids = (3, 7)

    def __init__(self, *given: tuple[Tensor, list[tuple[int, int, int, int]]]) -> None:
        self.given = given
        self.image_ids = list(range(10, 10 + len(given)))

    def __len__(self) -> int:
        return len(self.given)

    def image(self, index: int) -> Tensor:
        return self.given[index][0]

    def size(self, index: int) -> tuple[int, int]:
        return tuple(self.given[index][0].shape[-2:])  # type: ignore[return-value]

    def ground_truth(self) -> dict[str, Any]:
        images, annotations = [], []
        for index, (_, boxes) in enumerate(self.given):
            height, width = self.size(index)
            images.append({"id": self.image_ids[index], "height": height, "width": width})
            for number, (top, left, bottom, right) in enumerate(boxes):
                corners = [left, top, right, top, right, bottom, left, bottom]
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": self.image_ids[index],
                        "category_id": self.category_ids[number % 2],
                        "segmentation": [corners],
                        "area": (bottom - top) * (right - left),
                        "bbox": [left, top, right - left, bottom - top],
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": k, "name": str(k)} for k in self.category_ids]
        return {"images": images, "annotations": annotations, "categories": categories}


def crowd(size: tuple[int, int]) -> tuple[Tensor, list[tuple[int, int, int, int]]]:
    """As many objects as fit with gaps: more than 24 a large image, no more in a tile."""
    rows, columns = range(2, size[0] - 9, 13), range(1, size[1] - 9, 11)
    boxes = [(top, left, top + 9, left + 8) for top in rows for left in columns]
    return picture(size, *boxes), boxes


@pytest.mark.parametrize("workers", [0, 2])
def test_a_crowded_image_scores_in_tiles_what_small_ones_do(workers: int) -> None:
    images: Any = Pictures(crowd((40, 40)), crowd((140, 95)), crowd((40, 40)), crowd((64, 130)))
    settings = EvaluationSettings(tiles=(44, 44), tile_overlap=12, detections=25)

    def scored(tiling: Tiling | None, counted: int) -> float:
        network: Any = Colours()
        results = predict_dataset([network], images, AS_IT_IS, 25, workers=workers, tiling=tiling)
        assert results is not None
        if tiling is not None:
            assert {size for batch in network.batches for size in batch} == {(40, 40), (44, 44)}
            assert max(map(len, network.batches)) > 1
        return mask_ap(images.ground_truth(), results[0], counted)["AP"]

    counted = instances_counted(settings, images.ground_truth())
    assert counted == 25 * len(Tiling((44, 44), 12).boxes((140, 95)))
    assert scored(settings.tiling, counted) == pytest.approx(100)
    assert scored(None, 25) < 60
    assert instances_counted(EvaluationSettings(detections=16), images.ground_truth()) == 16


def test_images_that_fit_a_tile_are_predicted_as_ever_and_a_stop_gives_nothing() -> None:
    network: Any = Colours()
    images: Any = Pictures(crowd((40, 40)), crowd((30, 44)))
    tiling = Tiling((44, 44), 12)
    both = [predict_dataset([network], images, AS_IT_IS, 16, tiling=one) for one in (None, tiling)]
    assert both[0] == both[1]
    asked = iter([False, False, True])
    large: Any = Pictures(crowd((40, 40)), crowd((120, 120)))
    stopped = predict_dataset(
        [network],
        large,
        AS_IT_IS,
        16,
        tiling=tiling,
        should_stop=lambda: next(asked),
    )
    assert stopped is None
