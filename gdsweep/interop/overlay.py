"""Instances drawn on their image."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_SHARE = 0.45
"""Share of the colour inside a mask; the outline has all of it."""
_LEAST = 384
"""Shorter side, in pixels, below which a picture is enlarged: tags would cover it."""
_LARGEST = 4096
"""Longest side, in pixels, to which a picture is enlarged for its outlines' sake."""
_GAP = 8
"""Pixels between two pictures."""


def overlay(
    image: Tensor,
    labels: Tensor,
    scores: Tensor | None,
    masks: Sequence[Tensor] | Tensor,
    names: Sequence[str],
    outlines: bool = False,
) -> NDArray[np.uint8]:
    """Draw masks with outlines, and a tag with class and score for each; the best on top.

    Small images are enlarged by a whole number, so that tags do not cover them. With `outlines`
    there are no tags and nothing inside a mask: the outline is one pixel of a picture of twice the
    image's size at least (if that is no more than 4096 pixels), so that objects of a few pixels
    stay visible.

    Args:
        image: RGB, uint8 [3, H, W].
        labels: long [n].
        scores: [n]; None of annotated objects, which have none.
        masks: bool [n, H, W], or a sequence that makes a mask when it is asked for.
        names: of the classes.
        outlines: Draw outlines alone.

    Returns:
        RGB, uint8 [k H, k W, 3].
    """
    k = max(1, -(-_LEAST // min(image.shape[-2:])))
    if outlines and k == 1 and 2 * max(image.shape[-2:]) <= _LARGEST:
        k = 2
    image = image.repeat_interleave(k, 1).repeat_interleave(k, 2)
    picture = image.permute(1, 2, 0).cpu().numpy().astype(np.float32)
    order = range(len(masks)) if scores is None else scores.argsort().tolist()
    thickness = 1 if outlines else max(1, round(min(picture.shape[:2]) / 400))
    tags: list[tuple[tuple[int, int], str, tuple[int, int, int]]] = []
    for n in order:
        mask = masks[n].cpu().numpy()
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            continue
        top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        mask = mask[top:bottom, left:right].repeat(k, 0).repeat(k, 1)
        inside = picture[k * top : k * bottom, k * left : k * right]  # a view: thousands are quick
        colour = np.array(_colour(len(tags)), np.float32)
        if not outlines:
            inside[mask] = (1 - _SHARE) * inside[mask] + _SHARE * colour
        inside[mask & ~_shrunk(mask, thickness)] = colour
        score = "" if scores is None else f" {float(scores[n]):.2f}"
        corner = (k * int(left), k * int(top))
        tags.append((corner, f"{names[int(labels[n])]}{score}", _colour(len(tags))))
    drawn = Image.fromarray(picture.round().astype(np.uint8))
    if not outlines:
        _tag(drawn, tags)
    return np.asarray(drawn)


def side_by_side(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two pictures of one height, uint8 [H, W, 3], with a white gap between them."""
    gap = np.full((left.shape[0], _GAP, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def _colour(place: int) -> tuple[int, int, int]:
    # the golden angle keeps neighbours in score apart on the colour circle
    red, green, blue = colorsys.hsv_to_rgb((0.58 + 0.618034 * place) % 1, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _shrunk(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    inner = mask
    for _ in range(pixels):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inner


def _tag(
    picture: Image.Image, tags: list[tuple[tuple[int, int], str, tuple[int, int, int]]]
) -> None:
    draw = ImageDraw.Draw(picture)
    size = min(max(11, min(picture.size) // 32), 28)
    font = ImageFont.load_default(size)
    width, height = picture.size
    taken: list[tuple[int, int, int, int]] = []
    for corner, text, colour in reversed(tags):  # the best choose their places first
        left, top, right, bottom = (int(v) for v in draw.textbbox((0, 0), text, font=font))
        wide, high = right - left + 6, bottom - top + 6
        x = min(corner[0], max(width - wide, 0))
        y = max(corner[1] - high, 0)
        while (
            any(_meet((x, y, x + wide, y + high), other) for other in taken) and y + high < height
        ):
            y += high // 2
        taken.append((x, y, x + wide, y + high))
        draw.rectangle((x, y, x + wide, y + high), fill=(20, 20, 20), outline=colour)
        draw.text((x + 3 - left, y + 3 - top), text, fill=colour, font=font)


def _meet(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
