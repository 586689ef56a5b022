"""Objects of one view on another."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.data import Instances, LabelledView, WeakView, copy_paste
from gdsweep.data.copy_paste import LEAST, another, paste, random_subset


def boxes(*found: tuple[int, int, int, int, int], size: tuple[int, int] = (20, 30)) -> Instances:
    """Rectangles: (label, top, left, bottom, right)."""
    masks = torch.zeros(len(found), *size, dtype=torch.bool)
    for mask, (_, top, left, bottom, right) in zip(masks, found, strict=True):
        mask[top:bottom, left:right] = True
    return Instances(torch.tensor([box[0] for box in found], dtype=torch.long), masks)


def plain(value: int, size: tuple[int, int] = (20, 30)) -> Tensor:
    return torch.full((3, *size), value, dtype=torch.uint8)


def test_pasted_objects_cover_what_is_behind_them() -> None:
    targets = boxes((0, 0, 0, 10, 10), (1, 12, 12, 18, 18), (2, 0, 10, 5, 15))
    objects = boxes((3, 0, 4, 10, 12))
    _, found = paste(plain(10), targets, plain(200), objects)
    assert found.labels.tolist() == [0, 1, 3]
    # 10 x 4 left of the first; the second is not touched; 5 x 3 left of the third: too few
    assert [int(mask.sum()) for mask in found.masks] == [40, 36, 80]


def test_the_image_shows_the_objects_and_nothing_else_of_the_source() -> None:
    targets, objects = boxes((0, 0, 0, 10, 10)), boxes((3, 0, 4, 10, 12), (1, 8, 8, 12, 20))
    image, found = paste(plain(10), targets, plain(200), objects)
    covered = objects.masks.any(0)
    assert (image[:, covered] == 200).all()
    assert (image[:, ~covered] == 10).all()
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    assert torch.equal(found.masks[1:], objects.masks)
    assert not (found.masks[0] & covered).any()


@pytest.mark.parametrize(("left", "stays"), [(LEAST, True), (LEAST - 1, False)])
def test_occluded_instances_with_too_few_pixels_are_dropped(left: int, stays: bool) -> None:
    targets = boxes((0, 0, 0, 1, 30))
    _, found = paste(plain(0), targets, plain(1), boxes((1, 0, left, 1, 30)))
    assert found.labels.tolist() == ([0, 1] if stays else [1])


def test_a_small_instance_that_nothing_covers_stays() -> None:
    _, found = paste(plain(0), boxes((0, 0, 0, 1, 2)), plain(1), boxes((1, 5, 5, 9, 9)))
    assert found.labels.tolist() == [0, 1]


def test_an_instance_outside_the_view_stays_as_it_is() -> None:
    """As `empty_targets: all` keeps one: nothing of it can be covered."""
    targets = boxes((0, 0, 0, 0, 0), (1, 5, 5, 9, 9))
    _, found = paste(plain(0), targets, plain(1), boxes((2, 5, 5, 9, 9), (3, 0, 0, 0, 0)))
    assert found.labels.tolist() == [0, 2]


def test_views_of_different_sizes_lie_upon_each_other_at_the_top_left() -> None:
    objects = boxes((1, 5, 5, 40, 40), (2, 30, 30, 40, 40), size=(40, 40))
    image, found = paste(plain(0), boxes(), plain(9, (40, 40)), objects)
    assert image.shape == (3, 20, 30)
    assert found.labels.tolist() == [1]  # the second lies outside
    assert torch.equal(found.masks[0], boxes((1, 5, 5, 20, 30)).masks[0])
    objects = boxes((1, 5, 5, 10, 10), size=(10, 10))
    image, found = paste(plain(0), boxes(), plain(9, (10, 10)), objects)
    assert torch.equal(found.masks[0], boxes((1, 5, 5, 10, 10)).masks[0])
    assert torch.equal(image[0] == 9, found.masks[0])


def test_nothing_to_paste_changes_nothing() -> None:
    image, targets = plain(3), boxes((0, 0, 0, 4, 4))
    for objects in (boxes(), boxes((1, 35, 35, 39, 39), size=(40, 40))):
        size = (objects.masks.shape[1], objects.masks.shape[2])
        same, found = paste(image, targets, plain(9, size), objects)
        assert torch.equal(same, image)
        assert torch.equal(found.masks, targets.masks)


def test_another_image_is_any_but_this_one() -> None:
    torch.manual_seed(0)
    for index in (2, 5, 9):
        drawn = [another([2, 5, 9], index) for _ in range(200)]
        assert set(drawn) == {2, 5, 9} - {index}
        assert 60 < sum(d == max({2, 5, 9} - {index}) for d in drawn) < 140
    assert another([4], 4) is None
    assert another([], 4) is None


def test_any_subset_is_as_likely() -> None:
    torch.manual_seed(0)
    objects = boxes((0, 0, 0, 1, 1), (1, 2, 2, 3, 3))
    seen = [tuple(random_subset(objects).labels.tolist()) for _ in range(400)]
    assert {s: seen.count(s) > 60 for s in set(seen)} == dict.fromkeys(
        [(), (0,), (1,), (0, 1)], True
    )


class Colours:
    """Images of 40 x 60 pixels, number k of grey k + 1 with an object of label k and grey 200 + k.

    Their objects are 12 pixels high, in rows that do not overlap.
    """

    names = tuple(f"{k}.png" for k in range(4))

    def __init__(self) -> None:
        self.read: list[int] = []

    def image(self, index: int) -> Tensor:
        self.read.append(index)
        image = plain(index + 1, (40, 60))
        image[:, self.instances(index).masks[0]] = 200 + index
        return image

    def instances(self, index: int) -> Instances:
        return boxes((index, 10 * index, 20, 10 * index + 10, 40), size=(40, 60))


GEOMETRIES: dict[str, dict[str, Any]] = {
    "edge-crop": {"crop": (32, 40), "short_edges": (28, 40)},
    "scale-jitter": {"crop": (40, 40), "scale": (0.5, 1.5)},
    "resized-crop": {"crop": (40, 60), "scale": (0.7, 1.0)},
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_only_labelled_images_are_pasted_and_masks_stay_on_them(geometry: str) -> None:
    settings = AugmentationSettings(geometry=geometry, copy_paste=1.0, **GEOMETRIES[geometry])
    dataset = Colours()
    view = LabelledView(settings, [0, 2, 3])
    labels = []
    for seed in range(40):
        torch.manual_seed(seed)
        sample = view(dataset, 0)
        assert sample.targets is not None
        assert sample.strong is None
        labels += sample.targets.labels.tolist()
        assert sample.targets.masks.shape[1:] == sample.weak.shape[1:]
        assert not (sample.targets.masks.sum(0) > 1).any()
        for label, mask in zip(sample.targets.labels.tolist(), sample.targets.masks, strict=True):
            if mask.sum() > 60:  # more than an outline, where resampling mixes
                assert sample.weak[0][mask].max() == 200 + label
    assert set(labels) == {0, 2, 3}
    assert set(dataset.read) == {0, 2, 3}


def test_off_draws_nothing() -> None:
    """Runs from before this option keep their views."""
    settings = AugmentationSettings(geometry="resized-crop", **GEOMETRIES["resized-crop"])
    torch.manual_seed(1)
    sample = LabelledView(settings, [0, 2, 3])(Colours(), 0)
    after = torch.rand(())
    torch.manual_seed(1)
    weak, _ = WeakView(settings)(Colours().image(0), Colours().instances(0))
    assert torch.equal(sample.weak, weak)
    assert torch.rand(()) == after


def test_colours_change_after_pasting(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AugmentationSettings(
        copy_paste=1.0, labelled_strong=1.0, geometry="resized-crop", **GEOMETRIES["resized-crop"]
    )
    view = LabelledView(settings, [0, 2])
    seen: list[Tensor] = []
    monkeypatch.setattr(view, "strong", lambda image: seen.append(image) or image)
    monkeypatch.setattr(copy_paste, "random_subset", lambda objects: objects)
    torch.manual_seed(0)
    view(Colours(), 0)
    assert (seen[0] == 202).any()
