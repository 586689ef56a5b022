"""Weak views of an image, and its size at test time (sec. 4.3; "Data augmentations").

A weak view is a window of the image, resized and perhaps flipped. Choosing the window comes first
and pixels are touched once: "resize, then crop" and "crop, then resize" are one resampling of the
window, which costs what the output costs, not what the whole image does. Images are resampled
bilinearly with antialiasing, masks by the nearest pixel at the very same coordinates.

All randomness is drawn from torch's global CPU generator; `loader` seeds it for every sample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.data.instances import Instances, Targets
from gdsweep.errors import BadInput

PAD = 128  # grey of the canvas around a small image under `scale-jitter`


@dataclass(frozen=True)
class Window:
    """A part of an image and what becomes of it."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom, in pixels of the image."""
    size: tuple[int, int]
    """Height and width the part is resized to."""
    flip: bool
    """Mirror the part, left to right."""
    canvas: tuple[int, int]
    """Height and width of the result; what exceeds `size` is padding, right and below."""


class WeakView:
    """Random geometry, and SSD's colour distortion where the settings ask for it."""

    def __init__(self, settings: AugmentationSettings) -> None:
        low, high = settings.scale
        largest = 1.0 if settings.geometry == "resized-crop" else float("inf")
        if not 0 < low <= high <= largest:
            raise BadInput(
                f"augmentation.scale: {low} to {high} is no range above 0"
                f"{'' if largest > 1 else ' up to 1, as resized-crop needs'}"
            )
        self.settings = settings

    def __call__(
        self, image: Tensor, targets: Targets | None, window: Window | None = None
    ) -> tuple[Tensor, Instances | None]:
        """A window of an image, uint8 [3, H, W], and of its targets, which may be None.

        Whether an instance without a pixel in the view is dropped or stays a target, with an empty
        mask, is `empty_targets`. The window is drawn where none is given.
        """
        if window is None:
            window = self.window(image.shape[-2], image.shape[-1])
        picture = _cut(as_picture(image), window)
        if self.settings.colour_distortion:
            picture = distort_colours(picture)
        if targets is not None:
            return as_tensor(_padded(picture, window)), self._seen(targets, image, window)
        return as_tensor(_padded(picture, window)), None

    def window(self, height: int, width: int) -> Window:
        """Draw a window of an image of this height and width."""
        match self.settings.geometry:
            case "edge-crop":
                return self._edge_crop(height, width)
            case "scale-jitter":
                return self._scale_jitter(height, width)
            case "resized-crop":
                return self._resized_crop(height, width)

    def _seen(self, targets: Targets, image: Tensor, window: Window) -> Instances:
        # which instances are targets of the view, and their masks there
        labels, masks = targets.labels, _cut_masks(targets, image.shape[-2:], window)
        if self.settings.empty_targets != "all":
            kept = masks.view(torch.uint8).amax((1, 2)) > 0
            if self.settings.empty_targets == "in-window" and not kept.all():
                left, top, right, bottom = window.box
                rows = torch.arange(int(top), math.ceil(bottom))
                kept |= targets.reach(rows, torch.arange(int(left), math.ceil(right)))
            if not kept.all():  # masks are many megabytes
                labels, masks = labels[kept], masks[kept]
        return Instances(labels, _on_canvas(masks, window))

    def _edge_crop(self, height: int, width: int) -> Window:
        # a random short edge, then a crop of fixed size anywhere; a smaller image stays whole
        edges = self.settings.short_edges
        edge = edges[int(torch.randint(len(edges), ()))]
        scaled = _fit_short_edge(height, width, edge, self.settings.max_edge)
        size = _smaller(scaled, self.settings.crop)
        top = int(torch.randint(scaled[0] - size[0] + 1, ()))
        left = int(torch.randint(scaled[1] - size[1] + 1, ()))
        return Window(_box((height, width), scaled, (top, left), size), size, self._flip(), size)

    def _scale_jitter(self, height: int, width: int) -> Window:
        # the image fitted into a random multiple of the crop; padded if smaller, cut if larger
        crop = self.settings.crop
        factor = uniform(*self.settings.scale)
        ratio = min(crop[0] * factor / height, crop[1] * factor / width)
        scaled = (max(1, round(height * ratio)), max(1, round(width * ratio)))
        size = _smaller(scaled, crop)
        share = uniform(0, 1)  # one draw for both axes, as detectron2
        top, left = round((scaled[0] - size[0]) * share), round((scaled[1] - size[1]) * share)
        flip = self._flip()
        if flip:
            # detectron2 cuts the mirrored image: the window is at `left` of that one. Cut first
            # and mirrored later, every window would lie on one diagonal of its image
            left = scaled[1] - size[1] - left
        return Window(_box((height, width), scaled, (top, left), size), size, flip, crop)

    def _resized_crop(self, height: int, width: int) -> Window:
        side = uniform(*self.settings.scale)
        top, left = uniform(0, height * (1 - side)), uniform(0, width * (1 - side))
        box = (left, top, min(left + width * side, width), min(top + height * side, height))
        return Window(box, self.settings.crop, self._flip(), self.settings.crop)

    def _flip(self) -> bool:
        return uniform(0, 1) < self.settings.flip


def resize_for_test(image: Tensor, settings: AugmentationSettings) -> Tensor:
    """An image, uint8 [3, H, W], at test size; its own size where no short edge is set."""
    if settings.test_short_edge is None:
        return image
    height, width = image.shape[-2:]
    size = _fit_short_edge(height, width, settings.test_short_edge, settings.test_max_edge)
    if size == (height, width):
        return image
    return as_tensor(_cut(as_picture(image), Window((0, 0, width, height), size, False, size)))


def distort_colours(picture: Image.Image) -> Image.Image:
    """SSD's colour distortion, each step with probability one half.

    Brightness +-32, contrast and saturation times 0.5 to 1.5, hue +-18 of 180; contrast comes
    second or, as often, last.
    """
    if _coin():
        shift = uniform(-32, 32)
        picture = picture.point(lambda value: value + shift)
    contrast = uniform(0.5, 1.5) if _coin() else 1.0
    contrast_last = _coin()
    if not contrast_last:
        picture = picture.point(lambda value: value * contrast)
    saturation = uniform(0.5, 1.5) if _coin() else 1.0
    turn = uniform(-18, 18) / 180 * 256 if _coin() else 0.0
    if saturation != 1.0 or turn != 0.0:
        hue, colourfulness, value = picture.convert("HSV").split()
        hue = hue.point(lambda h: round(h + turn) % 256)
        colourfulness = colourfulness.point(lambda s: s * saturation)
        picture = Image.merge("HSV", (hue, colourfulness, value)).convert("RGB")
    if contrast_last:
        picture = picture.point(lambda value: value * contrast)
    return picture


def _fit_short_edge(height: int, width: int, edge: int, limit: int) -> tuple[int, int]:
    # detectron2's rule and rounding
    scale = min(edge / min(height, width), limit / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _box(
    image: tuple[int, int], scaled: tuple[int, int], corner: tuple[int, int], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    # the window at `corner` of the scaled image, in pixels of the image itself
    down, across = image[0] / scaled[0], image[1] / scaled[1]
    (top, left), (height, width) = corner, size
    right, bottom = (left + width) * across, (top + height) * down
    return left * across, top * down, min(right, image[1]), min(bottom, image[0])


def _cut(picture: Image.Image, window: Window) -> Image.Image:
    height, width = window.size
    picture = picture.resize((width, height), Image.Resampling.BILINEAR, box=window.box)
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if window.flip else picture


def _padded(picture: Image.Image, window: Window) -> Image.Image:
    if window.canvas == window.size:
        return picture
    canvas = Image.new("RGB", (window.canvas[1], window.canvas[0]), (PAD, PAD, PAD))
    canvas.paste(picture, (0, 0))
    return canvas


def _cut_masks(targets: Targets, image: Sequence[int], window: Window) -> Tensor:
    (height, width), (left, top, right, bottom) = window.size, window.box
    rows = _nearest(top, bottom, height, image[0])
    columns = _nearest(left, right, width, image[1])
    if window.flip:
        columns = columns.flip(0)
    return targets.cut(rows, columns)


def _on_canvas(masks: Tensor, window: Window) -> Tensor:
    if window.canvas == window.size:
        return masks
    canvas = masks.new_zeros(len(masks), *window.canvas)
    canvas[:, : masks.shape[1], : masks.shape[2]] = masks
    return canvas


def _nearest(start: float, stop: float, count: int, limit: int) -> Tensor:
    # the pixel in which the centre of each of `count` equal parts of [start, stop] lies
    step = (stop - start) / count
    return (start + (torch.arange(count) + 0.5) * step).long().clamp(0, limit - 1)


def _smaller(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return min(a[0], b[0]), min(a[1], b[1])


def as_picture(image: Tensor) -> Image.Image:
    """An image, uint8 [3, H, W], as PIL has it."""
    rows = image.permute(1, 2, 0)
    if rows.is_contiguous():  # as it was read
        return Image.fromarray(rows.numpy())
    # band by band: a tenth of the time of interleaving them in numpy
    return Image.merge("RGB", [Image.fromarray(band) for band in image.numpy()])


def as_tensor(picture: Image.Image) -> Tensor:
    """A picture of PIL's as uint8 [3, H, W]."""
    # always contiguous: the layout of an image must not decide how its convolutions are computed
    return torch.from_numpy(np.stack([np.asarray(band) for band in picture.split()]))


def uniform(low: float, high: float) -> float:
    """Draw a number of [low, high) from torch's global CPU generator."""
    return low + (high - low) * float(torch.rand((), dtype=torch.float64))


def _coin() -> bool:
    return uniform(0, 1) < 0.5
