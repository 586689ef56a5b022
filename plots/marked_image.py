"""An image with its instances: each in a colour of its own, named where there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gdsweep.config.colours import PALETTE, outline
from gdsweep.plots.style import DPI, line_height, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VEIL = 0.45
"""How much of the picture an instance's colour covers."""
LETTERS = 5.0
"""Size of the names, in points."""


@dataclass(frozen=True)
class Marked:
    """One instance that is drawn."""

    mask: np.ndarray
    """Boolean [H, W]."""
    words: str
    """What stands on it: `car 0.93`."""
    colour: int
    """Place in PALETTE."""


def fitted(image: np.ndarray, width: float) -> np.ndarray:
    """An image, uint8 [H, W, 3] or boolean [H, W], in the pixels that `width` inches have."""
    from PIL import Image

    columns = round(width * DPI)
    rows = max(round(image.shape[0] * columns / image.shape[1]), 1)
    kind = Image.Resampling.LANCZOS
    if image.dtype == bool or columns > image.shape[1]:
        kind = Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(image).resize((columns, rows), kind))


def draw(axes: "Axes", pixels: np.ndarray, instances: Sequence[Marked], width: float) -> None:
    """Draw an image, uint8 [H, W, 3], `width` inches wide, with its instances, the last on top."""
    from matplotlib.patheffects import withStroke

    shown = fitted(pixels, width)
    canvas = shown.astype(np.float32)
    masks = [fitted(instance.mask, width) for instance in instances]
    for instance, mask in zip(instances, masks, strict=True):
        colour = np.array(PALETTE[instance.colour], np.float32)
        canvas[mask] = (1 - VEIL) * canvas[mask] + VEIL * colour
        canvas[outline(mask, 2)] = colour
    axes.imshow(canvas.round().astype(np.uint8), interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    stroke = [withStroke(linewidth=1.2, foreground="black")]
    for words, x, y in places(instances, masks):
        axes.text(
            x, y, words, color="white", fontsize=LETTERS, ha="center", va="center",
            path_effects=stroke, clip_on=True,
        )  # fmt: skip


def places(
    instances: Sequence[Marked], masks: Sequence[np.ndarray]
) -> list[tuple[str, float, float]]:
    """Words with their middles in pixels: none over another, none over the edge.

    The topmost choose first, of the innermost point, the top and the bottom of their instance;
    where there is no room for all words the last are left out.
    """
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for instance, mask in zip(reversed(instances), reversed(masks), strict=True):
        if not instance.words or not mask.any():
            continue
        height, width = mask.shape
        wide, high = half_size(instance.words)
        for row, column in _anchors(mask):
            x = min(max(column, wide), max(width - wide, wide))
            y = min(max(row, high), height - high)
            box = (x - wide, y - high, x + wide, y + high)
            if 2 * wide <= width and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                found.append((instance.words, x, y))
                break
    return found


def _anchors(mask: np.ndarray) -> list[tuple[float, float]]:
    """Rows and columns of a mask that words may stand at: all on it, whatever its form."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = np.nonzero(mask)
    top, left = int(rows.min()), int(columns.min())
    part = np.pad(mask[top : rows.max() + 1, left : columns.max() + 1], 1)
    inside = distance_transform_edt(part)
    innermost = np.unravel_index(int(inside.argmax()), part.shape)
    found = [(float(innermost[0]) + top - 1, float(innermost[1]) + left - 1)]
    for row in (top, int(rows.max())):
        found.append((float(row), float(np.median(columns[rows == row]))))
    return found


def half_size(words: str) -> tuple[float, float]:
    """Half the width and half the height of words with their edges, in pixels."""
    return text_width(words, LETTERS) * DPI / 2 + 3, line_height(LETTERS) * DPI / 2


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
