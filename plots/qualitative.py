"""Figures 2 and 5 of the paper: predictions of several methods on the same images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gdsweep.config.colours import told_apart
from gdsweep.plots import marked_image
from gdsweep.plots.marked_image import Marked
from gdsweep.plots.scored_images import ScoredImage
from gdsweep.plots.style import (
    PAGE,
    QUIET,
    axes_at,
    line_height,
    look,
    new_figure,
    wrapped,
    write,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Result = Mapping[str, Any]
"""One instance in COCO's results format."""

CONFIDENT = 0.5
"""Predictions of a lower score are usually not drawn."""
SAME = 0.5
"""A prediction of this IoU with an annotated object is of that object, and has its colour."""
TRUTH = "Annotated"
"""Name of the first column."""
GAP, EDGE = 0.06, 0.04
"""Between pictures and around them, in inches."""
HEADS, NOTE = 6.5, 5.5
"""Sizes of the columns' names and of the note, in points."""


def draw(
    images: Sequence[ScoredImage],
    columns: Sequence[tuple[str, Sequence[Result]]],
    classes: Mapping[int, str],
    title: str = "",
    least: float = CONFIDENT,
    note: str = "images evenly spaced, not chosen.",
) -> "Figure":
    """Draw a row per image: what is annotated, then each column's instances.

    `columns` gives each column's name and its COCO results (compressed RLE), of any images; those
    that score at least `least` are drawn, each with class and score. An object has one colour in
    its row, and so has what was found of it. `note` ends what is said below.
    """
    names = [TRUTH, *(name for name, _ in columns)]
    groups = 1
    wide, heights = _sizes(images, len(names))
    if sum(heights) > PAGE:  # longer than a page: two images side by side
        groups = 2
        wide, heights = _sizes(images, groups * len(names))
    bands = [max(heights[k : k + groups]) for k in range(0, len(images), groups)]
    which = f"Instances with a score of {least:g} or more; an" if least else "An"
    said = f"{which} object and what meets it at an IoU of {SAME:g} have one colour; {note}"
    with look():
        below = wrapped(said, PAGE - 0.1, NOTE)
        foot = len(below.splitlines()) * line_height(NOTE) + 0.06
        titled = line_height(8) if title else 0.0
        heads = [wrapped(name, wide, HEADS, "bold") for name in names]
        head = titled + max(len(text.splitlines()) for text in heads) * line_height(HEADS) + 0.08
        figure = new_figure(PAGE, sum(bands) + GAP * len(bands) + head + foot)
        top = figure.get_figheight()
        write(figure, EDGE, top - 0.03, title, 8, va="top", fontweight="bold")
        for place, text in enumerate(heads * min(groups, len(images))):
            write(
                figure, EDGE + place * (wide + GAP), top - head + 0.02, text, HEADS, va="bottom",
                linespacing=1.1, fontweight="bold",
            )  # fmt: skip
        for number, (image, height) in enumerate(zip(images, heights, strict=True)):
            band, group = divmod(number, groups)
            bottom = top - head - sum(bands[:band]) - band * GAP - height
            row = _row(image, columns, classes, least)
            for place, marked in enumerate(row, group * len(names)):
                axes = axes_at(figure, EDGE + place * (wide + GAP), bottom, wide, height)
                marked_image.draw(axes, image.pixels, marked, wide)
        write(figure, EDGE, 0.03, below, NOTE, va="bottom", color=QUIET, linespacing=1.1)
    return figure


def _sizes(images: Sequence[ScoredImage], across: int) -> tuple[float, list[float]]:
    """Width of a picture, where so many stand side by side, and each image's height; in inches."""
    wide = (PAGE - 2 * EDGE - GAP * (across - 1)) / across
    return wide, [wide * image.pixels.shape[0] / image.pixels.shape[1] for image in images]


def _row(
    image: ScoredImage,
    columns: Sequence[tuple[str, Sequence[Result]]],
    classes: Mapping[int, str],
    least: float,
) -> list[list[Marked]]:
    """The instances of every column, what is annotated first."""
    from pycocotools import mask as rle

    masks = [mask for _, mask in image.truth]
    colours = told_apart(masks)
    # the only class needs no word
    names = classes if len(classes) > 1 else dict.fromkeys(classes, "")
    words = [names.get(category, "?") for category, _ in image.truth]
    found = [list(map(Marked, masks, words, colours))]
    annotated = [rle.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
    for _, results in columns:
        shown = [r for r in results if r["image_id"] == image.id and r["score"] >= least]
        shown.sort(key=lambda r: -r["score"])
        own = _colours_of_objects([r["segmentation"] for r in shown], annotated, colours)
        masks = [rle.decode(r["segmentation"]).astype(bool) for r in shown]
        words = [f"{names.get(r['category_id'], '?')} {r['score']:.2f}".strip() for r in shown]
        marked = list(map(Marked, masks, words, told_apart(masks, own, colours)))
        found.append(marked[::-1])  # the most confident on top
    return found


def _colours_of_objects(
    found: Sequence[Any], annotated: Sequence[Any], colours: Sequence[int]
) -> list[int | None]:
    """Of each found mask, the most confident first: the colour of the object that it is of."""
    from pycocotools import mask as rle

    own: list[int | None] = [None] * len(found)
    if not found or not annotated:
        return own
    overlaps = np.asarray(rle.iou(list(found), list(annotated), [0] * len(annotated)))
    for place, row in enumerate(overlaps):
        best = int(row.argmax())
        if row[best] >= SAME:
            own[place] = colours[best]
            overlaps[:, best] = 0  # an object is found once
    return own
