"""Figures 2 and 5 of the paper: predictions on the same images, one method above the other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gdsweep.plots.scored_images import ScoredImage
from gdsweep.plots.style import COLOURS, PAGE, QUIET, look, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Result = Mapping[str, Any]
"""One instance in COCO's results format."""

CONFIDENT = 0.5
"""Instances of a lower score are not drawn."""
VEIL = 0.45
"""How much of the picture an instance's colour covers."""
ACROSS = 6
"""Images side by side."""


def draw(
    images: Sequence[ScoredImage],
    rows: Sequence[tuple[str, Sequence[Result]]],
    classes: Mapping[int, str],
    title: str = "",
) -> "Figure":
    """Draw each image once per row, with that row's instances.

    `rows` gives each row's name and its COCO results (compressed RLE), of any images; those that
    score at least CONFIDENT are drawn, each in a colour of its own with its class.
    """
    across = max(min(len(images), ACROSS), 1)
    bands = -(-len(images) // across)
    height = sum(
        max(PAGE / across * i.pixels.shape[0] / i.pixels.shape[1] for i in images[b : b + across])
        for b in range(0, bands * across, across)
    )
    with look():
        figure = new_figure(PAGE, len(rows) * height + 0.3 + 0.1 * bands)
        grid = figure.subplots(bands * len(rows), across, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for place, image in enumerate(images):
            band, column = divmod(place, across)
            for level, (name, results) in enumerate(rows):
                axes = grid[band * len(rows) + level, column]
                mine = [r for r in results if r["image_id"] == image.id]
                _draw_image(axes, image, mine, classes)
                if column == 0:
                    axes.text(
                        -0.03, 0.5, name, rotation=90, ha="right", va="center",
                        transform=axes.transAxes,
                    )  # fmt: skip
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=8, fontweight="bold")
        note = f"Instances with a score of {CONFIDENT:g} or more; images evenly spaced, not chosen."
        figure.supxlabel(note, x=0.02, ha="left", fontsize=5.5, color=QUIET)
    return figure


def _draw_image(
    axes: "Axes", image: ScoredImage, results: Sequence[Result], classes: Mapping[int, str]
) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patheffects import withStroke
    from pycocotools import mask as rle

    canvas = image.pixels.astype(float) / 255
    # the most confident last, on top
    shown = sorted((r for r in results if r["score"] >= CONFIDENT), key=lambda r: r["score"])
    outlines, labels = [], []
    for rank, result in enumerate(reversed(shown)):
        colour = COLOURS[rank % (len(COLOURS) - 1)]  # all but black
        mask = rle.decode(result["segmentation"]).astype(bool)
        if mask.any():
            outlines.append((mask, colour))
            labels.append((mask, f"{classes.get(result['category_id'], '?')}", colour))
    for mask, colour in reversed(outlines):
        canvas[mask] = (1 - VEIL) * canvas[mask] + VEIL * np.array(to_rgb(colour))
    axes.imshow(canvas, interpolation="nearest")
    for mask, colour in reversed(outlines):
        axes.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=0.8)
    for mask, text, colour in labels:
        y, x = (places.mean() for places in np.nonzero(mask))
        stroke = [withStroke(linewidth=1.2, foreground="black")]
        axes.text(
            x, y, text, color="white", fontsize=5, ha="center", va="center",
            path_effects=stroke, clip_on=True, label=colour,
        )  # fmt: skip
