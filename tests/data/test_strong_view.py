"""The student's colours."""

from typing import Any

import pytest
import torch
from PIL import ImageFilter
from torch import Tensor
from torchvision.transforms import v2

from gdsweep.config import AugmentationSettings
from gdsweep.data import StrongView, UnlabelledView, WeakView, strong_view
from gdsweep.data.augment import as_picture, as_tensor


def seeded(seed: int) -> None:
    torch.manual_seed(seed)


def photograph(size: int = 48) -> Tensor:
    torch.manual_seed(1)
    coarse = torch.rand(1, 3, 6, 6)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")[0].clamp(0, 1)
    return (smooth * 255).to(torch.uint8)


def strong_views(strong: str, count: int = 300) -> list[Tensor]:
    view = StrongView(AugmentationSettings(strong=strong))  # type: ignore[arg-type]
    views = []
    image = photograph()
    for seed in range(count):
        seeded(seed)
        views.append(view(image))
    return views


def test_strong_views_change_colours_as_often_as_they_should() -> None:
    image, views = photograph(), strong_views("colour")
    assert all(v.shape == image.shape and v.dtype == torch.uint8 for v in views)
    grey = sum(bool((v[0] == v[1]).all() and (v[1] == v[2]).all()) for v in views)
    assert 35 < grey < 90  # p 0.2
    untouched = sum(torch.equal(v, image) for v in views)
    assert 5 < untouched < 50  # 0.2 x 0.8 x 0.5
    assert len({v.numpy().tobytes() for v in views}) > 250


def test_strong_views_are_not_moved() -> None:
    # a white square's centre of mass stays where it is under any colours and blur
    image = torch.zeros(3, 48, 48, dtype=torch.uint8)
    image[:, 10:20, 25:35] = 200
    view = StrongView(AugmentationSettings())
    for seed in range(50):
        seeded(seed)
        found = view(image).float().sum(0)
        found = found - found.min()
        y = (found.sum(1) * torch.arange(48)).sum() / found.sum()
        x = (found.sum(0) * torch.arange(48)).sum() / found.sum()
        assert float(y) == pytest.approx(14.5, abs=0.15)
        assert float(x) == pytest.approx(29.5, abs=0.15)


def test_blur_is_that_of_its_radius(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.zeros(3, 41, 41, dtype=torch.uint8)
    image[:, 20, 20] = 255
    view = StrongView(AugmentationSettings())
    draws = iter([0.4, 2.0])  # blur, at the largest radius
    monkeypatch.setattr(strong_view, "uniform", lambda low, high: next(draws))
    monkeypatch.setattr(strong_view.torch, "rand", lambda count: torch.ones(count))
    found = view(image)[0].float()
    distance = (torch.arange(41) - 20.0) ** 2
    deviation = ((found.sum(0) * distance).sum() / found.sum()).sqrt()
    assert float(deviation) == pytest.approx(2.0, abs=0.4)


def test_cutout_erases_to_noise_without_moving_the_rest() -> None:
    view = StrongView(AugmentationSettings(strong="colour+cutout"))
    view._coloured = lambda picture, hidden: picture  # type: ignore[method-assign]
    image = torch.full((3, 64, 64), 90, dtype=torch.uint8)
    shares = []
    for seed in range(300):
        seeded(seed)
        erased = (view(image) != 90).any(0)
        shares.append(float(erased.float().mean()))
    untouched = sum(share == 0 for share in shares)
    assert 15 < untouched < 60  # 0.3 x 0.5 x 0.7
    assert max(shares) > 0.2
    assert max(shares) < 0.6


def test_no_strong_view_is_the_weak_one() -> None:
    image = photograph()
    assert StrongView(AugmentationSettings(strong="none"))(image) is image


# ---- padding -------------------------------------------------------------------------------------

# as the public code writes it, over all of the canvas
COLOURS = v2.Compose(
    [
        v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        v2.RandomGrayscale(p=0.2),
    ]
)


def whole_canvas(image: Tensor) -> Tensor:
    picture = COLOURS(as_picture(image))
    if float(torch.rand((), dtype=torch.float64)) < 0.5:
        radius = 0.1 + 1.9 * float(torch.rand((), dtype=torch.float64))
        picture = picture.filter(ImageFilter.GaussianBlur(radius))
    return as_tensor(picture)


@pytest.mark.parametrize(
    "shown", [(96, 80), (40, 50), (96, 30), (20, 80), (1, 1), (95, 79), (90, 3)]
)
def test_padding_is_changed_once_for_all(shown: tuple[int, int]) -> None:
    """Bit for bit what changing every pixel of the canvas gives."""
    view, changed = StrongView(AugmentationSettings()), 0
    for seed in range(80):
        seeded(1000 + seed)
        image = torch.full((3, 96, 80), 128, dtype=torch.uint8)
        image[:, : shown[0], : shown[1]] = torch.randint(0, 256, (3, *shown), dtype=torch.uint8)
        seeded(seed)
        expected = whole_canvas(image)
        state = torch.get_rng_state()
        for known in (None, shown):
            seeded(seed)
            assert torch.equal(view(image, known), expected)
            assert torch.equal(torch.get_rng_state(), state)
        changed += not torch.equal(expected, image)
    assert changed > 60


class Noise:
    names = ("noise",)

    def __len__(self) -> int:
        return 1

    def image(self, index: int) -> Tensor:
        seeded_noise = torch.Generator().manual_seed(index)
        return torch.randint(0, 256, (3, 60, 80), dtype=torch.uint8, generator=seeded_noise)


@pytest.mark.parametrize("strong", ["colour", "colour+cutout"])
@pytest.mark.parametrize("geometry", ["scale-jitter", "edge-crop"])
def test_an_unlabelled_image_has_the_same_views_either_way(geometry: str, strong: str) -> None:
    given: dict[str, Any] = {"geometry": geometry, "strong": strong, "short_edges": (40, 90)}
    settings = AugmentationSettings(**given, crop=(64, 64), colour_distortion=True)
    for seed in range(40):
        seeded(seed)
        sample = UnlabelledView(settings)(Noise(), 0)
        seeded(seed)
        weak, _ = WeakView(settings)(Noise().image(0), None)
        assert torch.equal(sample.weak, weak)
        assert sample.strong is not None
        assert torch.equal(sample.strong, StrongView(settings)(weak))
