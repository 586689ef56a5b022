from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as rle

from gdsweep.data import segmentation
from gdsweep.data.instances import Instances


def masks(count: int) -> np.ndarray:
    random = np.random.RandomState(0)
    shapes = [(random.rand(17, 23) < share).astype(np.uint8) for share in np.linspace(0, 1, count)]
    return np.asfortranarray(np.stack(shapes, -1))


def decode(given: list[Any], height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks of those that have a pixel, and which these are."""
    found = segmentation.EncodedInstances(torch.arange(len(given)), given, height, width)
    return found.masks, found.labels


def compressed(mask: np.ndarray) -> dict[str, Any]:
    encoded = rle.encode(np.asfortranarray(mask))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def uncompressed(mask: np.ndarray) -> dict[str, Any]:
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


@pytest.mark.parametrize("form", [compressed, uncompressed])
def test_rle_of_both_forms_decodes_to_the_mask(form: Any) -> None:
    given = masks(9)
    for k in range(given.shape[2]):
        coded = form(given[..., k])
        assert segmentation.usable(coded, 17, 23) == coded
        decoded, kept = decode([coded], 17, 23)
        assert decoded.dtype == torch.bool
        assert kept.tolist() == ([0] if given[..., k].any() else [])
        assert all(np.array_equal(mask.numpy(), given[..., k] > 0) for mask in decoded)
        assert segmentation.area(coded, 17, 23) == given[..., k].sum()


def test_the_run_lengths_of_compressed_rle() -> None:
    given = masks(9)
    for k in range(given.shape[2]):
        mask = given[..., k]
        assert (
            segmentation.runs(compressed(mask)["counts"]).tolist() == uncompressed(mask)["counts"]
        )


def test_polygons_are_joined() -> None:
    polygons = [[1, 1, 5, 1, 5, 5, 1, 5], [10, 10, 14, 10, 14, 12, 10, 12]]
    both = decode([polygons], 17, 23)[0]
    single = [decode([[polygon]], 17, 23)[0] for polygon in polygons]
    assert torch.equal(both, single[0] | single[1])
    assert both.shape == (1, 17, 23)
    assert segmentation.area(polygons, 17, 23) == 16 + 8
    assert segmentation.box(polygons, 17, 23) == [1, 1, 13, 11]


def test_masks_without_a_pixel_are_left_out() -> None:
    bar, none = [[1, 1, 5, 1, 5, 4]], [[2, 2, 2, 2, 2, 2]]
    masks, kept = decode([none, bar, none, bar], 4, 5)
    assert kept.tolist() == [1, 3]
    assert torch.equal(masks[0], masks[1])
    for given in ([], [none]):
        masks, kept = decode(given, 4, 5)
        assert masks.shape == (0, 4, 5)
        assert kept.tolist() == []


def test_there_may_be_any_number_of_masks() -> None:
    given = masks(300)
    coded = [compressed(given[..., k]) for k in range(300)]
    assert segmentation.areas(coded) == given.sum((0, 1)).tolist()
    assert segmentation.areas([]) == []
    decoded, kept = decode(coded, 17, 23)
    assert kept.tolist() == np.flatnonzero(given.any((0, 1))).tolist()
    assert len(decoded) == len(kept) > 256


def test_the_numbers_of_an_rle_may_be_written_with_a_point() -> None:
    found = segmentation.usable({"size": [9.0, 9.0], "counts": [9.0, 72.0]}, 9, 9)
    assert found == {"size": [9, 9], "counts": [9, 72]}
    assert all(isinstance(n, int) for n in (*found["size"], *found["counts"]))


PAIRS = [[1, 1], [5, 1], [5, 5], [1, 5]]


def test_polygons_nobody_can_draw_are_left_out() -> None:
    good = [1, 1, 5, 1, 5, 5]
    assert segmentation.usable([[1, 1, 5, 1], good, [1, 2, 3, 4, 5, 6, 7], []], 9, 9) == [good]
    assert segmentation.usable([[1, 1, 5, 1]], 9, 9) is None
    assert segmentation.usable([], 9, 9) is None


@pytest.mark.parametrize("form", [compressed, uncompressed])
def test_a_cut_is_what_cutting_whole_masks_gives(form: Any) -> None:
    given = masks(9)
    coded = [form(given[..., k]) for k in range(9)]
    column, dot = np.zeros((2, 17, 23), np.uint8)
    column[:, 22] = dot[16, 0] = 1
    coded += [form(column), form(dot), [[-5, -5, 40, -5, 40, 3.3, -5, 7.9]]]
    found = segmentation.EncodedInstances(torch.arange(len(coded)), coded, 17, 23)
    whole = Instances(found.labels, found.masks)
    windows = [
        (range(17), range(23)),
        (range(3, 9), range(7, 12)),
        (range(16, -1, -2), range(22, -1, -3)),
        ([0, 0, 16], [5, 22, 22, 0]),
        ([4], [13]),
    ]
    for rows, columns in windows:
        places = torch.tensor([*rows]), torch.tensor([*columns])
        cut = found.cut(*places)
        assert cut.dtype == torch.bool
        assert torch.equal(cut, whole.cut(*places))
        assert torch.equal(cut, whole.masks[:, places[0]][:, :, places[1]])
        assert torch.equal(found.reach(*places), cut.flatten(1).any(1))


GOOD = compressed(masks(3)[..., 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("text", "neither a list of polygons nor an RLE"),
        ([[1, 2, 3, 4, 5, 6], 7], "neither a list of polygons nor an RLE"),
        ([{"x": 1, "y": 2}, {"x": 3, "y": 4}], "neither a list of polygons nor an RLE"),
        ([["1", "2", "3", "4", "5", "6"]], "no number or far outside"),
        ([1, 2, 3, 4, 5, 6], "neither a list of polygons nor an RLE"),
        ([PAIRS], r"points of its polygon are in pairs; COCO's are flat: \[\[x1, y1, "),
        (PAIRS, "points of its polygon are in pairs"),
        ([[1, 1, 5, 1, 5, 5], PAIRS], "points of its polygon are in pairs"),
        ([[1, 2, float("nan"), 4, 5, 6]], "no number or far outside"),
        ([[1, 2, 1e9, 4, 5, 6]], "no number or far outside"),
        ([[1, 2, -1e6, 4, 5, 6]], "no number or far outside"),
        ({**GOOD, "size": [23, 17]}, r"RLE is of size 23 x 17, its image of 17 x 23"),
        ({**GOOD, "counts": GOOD["counts"][:-4]}, "RLE has"),
        ({**GOOD, "counts": ""}, "ends in the middle of a number"),
        ({**GOOD, "counts": "P"}, "ends in the middle of a number"),
        ({**GOOD, "counts": [5, 3, 2]}, "RLE has 10 pixels, its image 391"),
        ({**GOOD, "counts": [400, -9]}, "RLE has"),
        ({**GOOD, "counts": [391, 0.5]}, "a run of its RLE is no whole number"),
        ({**GOOD, "counts": ["391"]}, "a run of its RLE is no whole number"),
        ({**GOOD, "counts": None}, "counts of its RLE are neither a list nor text"),
        ({**GOOD, "size": 17}, "RLE is of size 17, its image of 17 x 23"),
        ({"size": [17, 23]}, "its RLE has no counts"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        segmentation.usable(given, 17, 23)
