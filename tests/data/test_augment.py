from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.data import Instances, StrongView, WeakView, augment, resize_for_test
from gdsweep.data.augment import as_picture, as_tensor
from gdsweep.errors import BadInput

GEOMETRIES: dict[str, dict[str, Any]] = {
    "edge-crop": {"crop": (48, 64), "short_edges": (40, 60, 90), "max_edge": 150},
    "scale-jitter": {"crop": (64, 64), "scale": (0.3, 2.0)},
    "resized-crop": {"crop": (64, 48), "scale": (0.5, 1.0)},
}


def settings(geometry: str, **changes: Any) -> AugmentationSettings:
    return AugmentationSettings(geometry=geometry, **(GEOMETRIES[geometry] | changes))  # type: ignore[arg-type]


def blobs(height: int = 70, width: int = 90) -> tuple[Tensor, Instances]:
    """A black image with a red disc, a green ellipse at a border, a blue bar."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    masks = torch.stack(
        [
            (x - 30) ** 2 + (y - 25) ** 2 < 15**2,
            (x - width + 10) ** 2 / 2 + (y - 50) ** 2 < 13**2,
            (x > 20) & (x < 60) & (y > 55) & (y < 63),
        ]
    )
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    for channel, mask in enumerate(masks):
        image[channel][mask] = 255
    return image, Instances(torch.tensor([4, 5, 6]), masks)


def seeded(seed: int) -> None:
    torch.manual_seed(seed)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_masks_stay_on_what_they_mark(geometry: str) -> None:
    image, targets = blobs()
    view = WeakView(settings(geometry))
    seen = set()
    for seed in range(60):
        seeded(seed)
        found, instances = view(image, targets)
        assert instances is not None
        assert found.shape[1:] == instances.masks.shape[1:]
        assert found.dtype == torch.uint8
        assert found.is_contiguous()
        for label, mask in zip(instances.labels.tolist(), instances.masks, strict=True):
            seen.add(label)
            colour = found[label - 4]
            # the resized blob is above one half just where its resized mask is, give or take the
            # outermost pixels of a shrunk one; padding is at 128
            both = ((colour > 129) & mask).sum() / ((colour > 129) | mask).sum()
            assert both > (0.93 if mask.sum() > 500 else 0.8 if mask.sum() > 100 else 0.3)
            inner = -torch.nn.functional.max_pool2d(-mask[None].float(), 5, 1, 2)[0] > 0.5
            inner[:2], inner[-2:], inner[:, :2], inner[:, -2:] = False, False, False, False
            assert (colour[inner] > 250).all()
    assert seen == {4, 5, 6}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_shapes_dtypes_and_sizes(geometry: str) -> None:
    image, targets = blobs()
    view = WeakView(settings(geometry))
    sizes = set()
    for seed in range(30):
        seeded(seed)
        found, _ = view(image, targets)
        sizes.add((found.shape[1], found.shape[2]))
    crop = GEOMETRIES[geometry]["crop"]
    if geometry == "edge-crop":  # short edges of 40 leave a smaller image than the crop
        assert sizes == {(40, 51), (48, 64)}
    else:
        assert sizes == {crop}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_without_targets_the_image_is_the_same(geometry: str) -> None:
    image, targets = blobs()
    view = WeakView(settings(geometry))
    seeded(3)
    with_targets, _ = view(image, targets)
    seeded(3)
    without, none = view(image, None)
    assert none is None
    assert torch.equal(with_targets, without)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_flips_happen_as_often_as_they_should(geometry: str) -> None:
    image = torch.zeros(3, 60, 80, dtype=torch.uint8)
    image[:, :, 40:] = 255  # left dark, right bright

    def flipped(probability: float, seed: int) -> bool:
        seeded(seed)
        window = WeakView(settings(geometry, flip=probability)).window(60, 80)
        return window.flip

    assert not any(flipped(0.0, seed) for seed in range(50))
    assert all(flipped(1.0, seed) for seed in range(50))
    assert 60 < sum(flipped(0.5, seed) for seed in range(200)) < 140
    whole = settings(geometry, flip=1.0, crop=(60, 80), scale=(1.0, 1.0), short_edges=(60,))
    seeded(0)
    mirrored, _ = WeakView(whole)(image, None)
    assert torch.equal(mirrored, image.flip(-1))


def test_instances_without_a_pixel_in_the_view() -> None:
    """`none` keeps none of them; `all` keeps all, in their order and with their labels."""
    image, targets = blobs()
    counts = set()
    for seed in range(40):
        found = {}
        for kept in ("none", "in-window", "all"):
            seeded(seed)
            view = WeakView(settings("resized-crop", scale=(0.3, 0.4), empty_targets=kept))
            found[kept] = view(image, targets)[1]
        none, every = found["none"], found["all"]
        assert none is not None
        assert every is not None
        assert none.masks.flatten(1).any(1).all()
        assert every.labels.tolist() == [4, 5, 6]
        seen = every.masks.flatten(1).any(1)
        assert torch.equal(every.labels[seen], none.labels)
        assert torch.equal(every.masks[seen], none.masks)
        counts.add(len(none))
    assert min(counts) == 0
    assert 1 in counts


@pytest.mark.parametrize(
    ("kept", "expected"), [("none", [0]), ("in-window", [0, 1]), ("all", [0, 1, 2])]
)
def test_instances_that_a_window_shrinks_to_nothing(
    kept: str, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = torch.zeros(3, 80, 80, dtype=torch.bool)
    masks[0, 10:30, 10:30] = True  # four pixels wide in the view
    masks[1, 34, 34] = True  # a fifth of a pixel, not at the centre of one
    masks[2, 60:, 60:] = True  # outside
    view = WeakView(settings("resized-crop", empty_targets=kept, crop=(10, 10), flip=0.5))
    for flip in (False, True):
        window = augment.Window((0, 0, 50, 50), (10, 10), flip, (10, 10))
        monkeypatch.setattr(view, "window", lambda height, width, window=window: window)
        image = torch.zeros(3, 80, 80, dtype=torch.uint8)
        _, found = view(image, Instances(torch.arange(3), masks))
        assert found is not None
        assert found.labels.tolist() == expected
        assert found.masks.flatten(1).any(1).tolist() == [True, False, False][: len(expected)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_no_instances(geometry: str) -> None:
    image, _ = blobs()
    none = Instances(torch.zeros(0, dtype=torch.long), torch.zeros(0, 70, 90, dtype=torch.bool))
    found, instances = WeakView(settings(geometry))(image, none)
    assert instances is not None
    assert instances.masks.shape == (0, *found.shape[1:])


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (2, 5)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_images_of_any_size(geometry: str, size: tuple[int, int]) -> None:
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    targets = Instances(torch.tensor([1]), torch.ones(1, *size, dtype=torch.bool))
    for seed in range(20):
        seeded(seed)
        found, instances = WeakView(settings(geometry))(image, targets)
        assert instances is not None
        assert found.shape[1:] == instances.masks.shape[1:]
        assert min(found.shape) >= 1
        assert len(instances) == 1


def test_edge_crop_follows_its_settings() -> None:
    view = WeakView(settings("edge-crop", short_edges=(60, 90), max_edge=150, crop=(30, 40)))
    heights = set()
    corners = []
    for seed in range(300):
        seeded(seed)
        window = view.window(100, 200)  # 60 x 120, or, the long edge being limited, 75 x 150
        left, top, right, bottom = window.box
        heights.add(round(30 * 100 / (bottom - top)))
        corners.append((left / 200, top / 100))
        assert window.size == (30, 40)
        assert 0 <= left < right <= 200
        assert 0 <= top < bottom <= 100
        assert (bottom - top) / 30 == pytest.approx((right - left) / 40)
    assert heights == {60, 75}
    lefts, tops = torch.tensor(corners).T
    assert lefts.min() < 0.02
    assert lefts.max() > 0.6
    assert abs(float(torch.corrcoef(torch.stack([lefts, tops]))[0, 1])) < 0.2


def test_scale_jitter_pads_right_and_below_with_grey() -> None:
    white = torch.full((3, 40, 80), 255, dtype=torch.uint8)
    targets = Instances(torch.tensor([0]), torch.ones(1, 40, 80, dtype=torch.bool))
    view = WeakView(settings("scale-jitter", scale=(0.5, 0.5), crop=(64, 64)))
    image, found = view(white, targets)  # fits 32: 16 x 32
    assert found is not None
    assert image.shape == (3, 64, 64)
    assert (image[:, :16, :32] == 255).all()
    assert (image[:, 16:] == 128).all()
    assert (image[:, :, 32:] == 128).all()
    assert int(found.masks.sum()) == 16 * 32
    assert found.masks[0, :16, :32].all()


def test_scale_jitter_draws_scales_evenly() -> None:
    view = WeakView(settings("scale-jitter", scale=(0.1, 2.0), crop=(100, 100)))
    scales = []
    for seed in range(400):
        seeded(seed)
        window = view.window(100, 100)
        left, top, right, bottom = window.box
        scales.append(window.size[0] / (bottom - top))
        assert window.canvas == (100, 100)
        # one draw for both axes, from the other side where the image is mirrored
        assert top == pytest.approx(100 - right if window.flip else left)
    drawn = torch.tensor(scales)
    assert drawn.min() < 0.15
    assert drawn.max() > 1.95
    assert drawn.mean() == pytest.approx(1.05, abs=0.08)


def official_jitter(
    image: Tensor, scale: float, offset: float, flip: bool, crop: tuple[int, int]
) -> tuple[Tensor, tuple[float, ...]]:
    """detectron2's RandomFlip, ResizeScale and FixedSizeCrop as they are defined, one by one.

    Returns the view, and the window's centre in pixels of the image as it is in its file, its
    height there, and whether it is mirrored.
    """
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    if flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    width, height = picture.size
    ratio = min(crop[0] * scale / height, crop[1] * scale / width)
    picture = picture.resize((round(width * ratio), round(height * ratio)), Image.BILINEAR)
    left, top = (
        round(max(side - limit, 0) * offset)
        for side, limit in zip(picture.size, (crop[1], crop[0]), strict=True)
    )
    right, bottom = min(left + crop[1], picture.width), min(top + crop[0], picture.height)
    part = picture.crop((left, top, right, bottom))
    canvas = Image.new("RGB", (crop[1], crop[0]), (128, 128, 128))
    canvas.paste(part, (0, 0))
    x, y = (left + right) / 2 * width / picture.width, (top + bottom) / 2 * height / picture.height
    tall = (bottom - top) * height / picture.height
    return augment.as_tensor(canvas), (width - x if flip else x, y, tall, float(flip))


@pytest.mark.parametrize("size", [(50, 70), (70, 50), (64, 64)])
@pytest.mark.parametrize("crop", [(40, 40), (32, 56)])
def test_scale_jitter_is_detectron2s(
    size: tuple[int, int], crop: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same three numbers, the very window and view."""
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    masks = image > 200
    view = WeakView(settings("scale-jitter", scale=(0.1, 2.0), crop=crop))
    for seed in range(60):
        scale, offset, coin = torch.rand(3, generator=torch.Generator().manual_seed(seed)).tolist()
        scale = 0.1 + 1.9 * scale
        expected, _ = official_jitter(image, scale, offset, coin < 0.5, crop)
        draws = iter([scale, offset, coin])
        monkeypatch.setattr(augment, "uniform", lambda low, high, draws=draws: next(draws))
        found, targets = view(image, Instances(torch.arange(3), masks))
        assert found.shape == expected.shape
        # rounding; and at its edges a window sees no pixel beyond them
        far = (found.int() - expected.int()).abs().amax(0) > 2
        assert far.float().mean() < 0.3 if scale < 0.3 else far[2:-2, 2:-2].float().mean() < 0.02
        assert targets is not None


def test_the_joint_distribution_of_scale_jitter_is_detectron2s() -> None:
    """Where windows lie, how large they are and whether they are mirrored, all at once.

    The public code mirrors the image before it cuts: windows lie on both diagonals. Every marginal
    distribution is the same the other way round, the joint one is not.
    """
    height, width, crop, count = 60, 80, (64, 64), 4000
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    view = WeakView(settings("scale-jitter", scale=(0.1, 2.0), crop=crop))
    seeded(1)
    ours, official = [], []
    draws = torch.rand(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for scale, offset, coin in draws.tolist():
        window = view.window(height, width)
        left, top, right, bottom = window.box
        ours.append(((left + right) / 2, (top + bottom) / 2, bottom - top, float(window.flip)))
        official.append(official_jitter(image, 0.1 + 1.9 * scale, offset, coin < 0.5, crop)[1])
    a, b = torch.tensor(ours), torch.tensor(official)
    edges = [torch.linspace(0, side, 7)[1:-1] for side in (width, height, height)]

    def cells(found: Tensor) -> Tensor:
        places = [
            torch.bucketize(found[:, k].float().contiguous(), edge) for k, edge in enumerate(edges)
        ]
        index = ((places[0] * 6 + places[1]) * 6 + places[2]) * 2 + found[:, 3].long()
        return torch.bincount(index, minlength=432).double()

    first, second = cells(a), cells(b)
    used = first + second > 0
    # two samples of one distribution: chi-squared with a mean of the number of cells less one
    distance = float(((first - second)[used] ** 2 / (first + second)[used]).sum())
    free = int(used.sum()) - 1
    assert free > 20
    assert distance < free + 4 * (2 * free) ** 0.5
    cut = a[:, 2] < height - 1  # windows that are smaller than the image in both axes or one
    for found in (a[cut], b[b[:, 2] < height - 1]):
        assert abs(float(torch.corrcoef(found[:, :2].T)[0, 1])) < 0.2
        mirrored = found[:, 3] == 1
        assert float(torch.corrcoef(found[mirrored, :2].T)[0, 1]) < -0.7
        assert float(torch.corrcoef(found[~mirrored, :2].T)[0, 1]) > 0.7


def test_resized_crop_keeps_the_aspect_of_the_image() -> None:
    view = WeakView(settings("resized-crop", scale=(0.7, 1.0)))
    sides = []
    for seed in range(300):
        seeded(seed)
        left, top, right, bottom = view.window(60, 120).box
        assert 0 <= left < right <= 120
        assert 0 <= top < bottom <= 60
        assert (right - left) / 120 == pytest.approx((bottom - top) / 60, abs=1e-6)
        sides.append((right - left) / 120)
    assert min(sides) == pytest.approx(0.7, abs=0.01)
    assert max(sides) == pytest.approx(1.0, abs=0.01)


def test_a_window_is_resize_then_crop() -> None:
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, 50, 70), dtype=torch.uint8)
    view = WeakView(settings("edge-crop", short_edges=(35,), crop=(20, 30), flip=0.0))
    masks = image > 128
    seeded(5)
    found, targets = view(image, Instances(torch.arange(3), masks))
    assert targets is not None
    seeded(5)
    box = view.window(50, 70).box
    left, top = round(box[0] * 49 / 70), round(box[1] * 35 / 50)
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    whole = augment.as_tensor(picture.resize((49, 35), Image.Resampling.BILINEAR))
    difference = found.int() - whole[:, top : top + 20, left : left + 30].int()
    assert difference[:, 1:-1, 1:-1].abs().max() <= 1  # rounding; a border sees no further pixel
    nearest = torch.nn.functional.interpolate(masks[None].float(), (35, 49), mode="nearest-exact")
    assert torch.equal(targets.masks, nearest[0, :, top : top + 20, left : left + 30] > 0)


@pytest.mark.parametrize("scale", [(0.0, 1.0), (0.9, 0.7), (0.1, 2.0)])
def test_scales_that_cannot_be_are_refused(scale: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match=r"augmentation\.scale: .* as resized-crop needs"):
        WeakView(settings("resized-crop", scale=scale))
    if scale[1] <= 1:
        with pytest.raises(BadInput, match=r"augmentation\.scale: .* no range above 0$"):
            WeakView(settings("scale-jitter", scale=scale))


# ---- colours -------------------------------------------------------------------------------------


def photograph(size: int = 48) -> Tensor:
    torch.manual_seed(1)
    coarse = torch.rand(1, 3, 6, 6)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")[0].clamp(0, 1)
    return (smooth * 255).to(torch.uint8)


def test_colour_distortion_is_drawn_only_where_asked_for() -> None:
    image = photograph()
    plain = settings("resized-crop", crop=(48, 48), scale=(1.0, 1.0), flip=0.0)
    assert torch.equal(WeakView(plain)(image, None)[0], image)
    distorted = plain.model_copy(update={"colour_distortion": True})
    changed = 0
    for seed in range(100):
        seeded(seed)
        changed += int(not torch.equal(WeakView(distorted)(image, None)[0], image))
    assert 85 < changed < 100  # each of four steps happens half the time: 15/16


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((100, 100, 100), range(34, 199)),  # (100 +- 32) x 0.5 to 1.5
        ((250, 250, 250), range(109, 256)),  # clipped, not wrapped
        ((4, 4, 4), range(0, 55)),
    ],
)
def test_colour_distortion_of_grey_stays_grey_and_in_range(
    colour: tuple[int, int, int], expected: range
) -> None:
    values = set()
    for seed in range(300):
        seeded(seed)
        pixel = augment.distort_colours(Image.new("RGB", (1, 1), colour)).getpixel((0, 0))
        assert len(set(pixel)) == 1
        values.add(pixel[0])
    assert min(values) >= expected.start
    assert max(values) < expected.stop
    assert max(values) - min(values) > 0.6 * len(expected)


def test_colour_distortion_turns_the_hue_by_at_most_36_degrees() -> None:
    turns = []
    for seed in range(300):
        seeded(seed)
        distorted = augment.distort_colours(Image.new("RGB", (1, 1), (200, 60, 60)))
        hue = distorted.convert("HSV").getpixel((0, 0))[0] / 256 * 360
        turns.append((hue + 180) % 360 - 180)
    assert min(turns) == pytest.approx(-36, abs=5)
    assert max(turns) == pytest.approx(36, abs=5)
    assert 100 < sum(abs(turn) < 2 for turn in turns) < 220


@pytest.mark.parametrize("strong", ["colour", "colour+cutout"])
def test_views_do_not_write_into_their_image(strong: str) -> None:
    image = photograph()
    before = image.clone()
    WeakView(settings("resized-crop"))(image, None)
    StrongView(AugmentationSettings(strong=strong))(image)  # type: ignore[arg-type]
    assert torch.equal(image, before)


# ---- test time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "short", "limit", "expected"),
    [
        ((480, 640), 800, 1333, (800, 1067)),
        ((640, 480), 800, 1333, (1067, 800)),
        ((200, 1000), 800, 1333, (267, 1333)),
        ((1024, 2048), 1024, 2048, (1024, 2048)),
        ((33, 64), None, 1333, (33, 64)),
    ],
)
def test_size_at_test_time(
    size: tuple[int, int], short: int | None, limit: int, expected: tuple[int, int]
) -> None:
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    chosen = AugmentationSettings(test_short_edge=short, test_max_edge=limit)
    found = resize_for_test(image, chosen)
    assert found.shape == (3, *expected)
    assert found.dtype == torch.uint8
    if expected == size:
        assert torch.equal(found, image)


@pytest.mark.parametrize("make", [WeakView, StrongView])
def test_randomness_is_torchs_alone(make: Callable[[AugmentationSettings], Any]) -> None:
    import random

    import numpy as np

    chosen = settings("scale-jitter", colour_distortion=True, strong="colour+cutout")
    view = make(chosen)
    arguments = (photograph(), None) if make is WeakView else (photograph(),)

    def look(seed: int, others: int) -> bytes:
        random.seed(others)
        np.random.seed(others)
        seeded(seed)
        found = view(*arguments)
        return (found[0] if make is WeakView else found).numpy().tobytes()

    assert [look(s, 1) for s in range(8)] == [look(s, 2) for s in range(8)]
    assert len({look(s, 1) for s in range(8)}) > 4


def test_pictures_and_tensors_are_one_anothers_whatever_the_layout():
    rows = torch.randint(0, 256, (7, 5, 3), dtype=torch.uint8)
    for image in (rows.permute(2, 0, 1), rows.permute(2, 0, 1).contiguous()):
        for part in (image, image[:, 1:6, :4]):
            picture = as_picture(part)
            assert np.array_equal(np.asarray(picture), part.permute(1, 2, 0).numpy())
            assert as_tensor(picture).is_contiguous()
            assert torch.equal(as_tensor(picture), part)
