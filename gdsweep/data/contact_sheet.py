"""A page of labelled images with their masks, and of the views a network gets of them."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.config.colours import PALETTE, outline, told_apart
from gdsweep.data.augment import WeakView
from gdsweep.data.dataset import ImageDataset
from gdsweep.data.instances import Targets
from gdsweep.data.sampler import derived_seed
from gdsweep.data.strong_view import StrongView

ROWS = 6
_WIDTH, _HEIGHT, _GAP, _TEXT = 340, 220, 8, 17  # of a picture, between them, of a line; in pixels
_INK, _FAINT, _PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)
_DRAWS = 5  # weak views drawn at most for one that shows an instance


def contact_sheet(
    dataset: ImageDataset, indices: Sequence[int], views: Sequence[AugmentationSettings], title: str
) -> Image.Image:
    """Some images of `indices`, a row each: with masks, its weak view, and each strong view.

    `views` have one geometry and differ in `strong`. Images are chosen so that together they show
    as many classes as they can. Always the same page for the same data.
    """
    chosen = choose_images(dataset, indices)
    columns = ["image and instances", "weak view and targets", "weak view (teacher)"]
    columns += [f"strong view (student): {view.strong}" for view in views]
    rows = [_row(dataset, index, views) for index in chosen]
    widths = [
        max(round(_font().getlength(column)) + _GAP, *(row[place].width for row in rows))
        for place, column in enumerate(columns)
    ]
    width = sum(widths) + _GAP * (len(widths) + 1)
    pieces = [_heading(title, width), _titles(columns, widths, width)]
    for index, row in zip(chosen, rows, strict=True):
        pieces += [_side_by_side(row, widths, width), _caption(dataset, index, width)]
    sheet = Image.new("RGB", (width, sum(piece.height for piece in pieces)), _PAPER)
    top = 0
    for piece in pieces:
        sheet.paste(piece, (0, top))
        top += piece.height
    return sheet


def choose_images(dataset: ImageDataset, indices: Sequence[int], rows: int = ROWS) -> list[int]:
    """At most `rows` of `indices`: each adds the most classes that the ones before do not show."""
    classes = {index: dataset.classes_of(index) for index in indices}
    chosen: list[int] = []
    covered: frozenset[int] = frozenset()
    while len(chosen) < min(rows, len(indices)):
        if covered >= frozenset().union(*classes.values()):
            covered = frozenset()  # everything is there once: begin again
        best = max(classes, key=lambda index: (len(classes[index] - covered), -index))
        covered |= classes.pop(best)
        chosen.append(best)
    return chosen


def _row(
    dataset: ImageDataset,
    index: int,
    views: Sequence[AugmentationSettings],
) -> list[Image.Image]:
    image, targets = dataset.image(index), dataset.instances(index)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(0, "contact sheet", index))
        for _ in range(_DRAWS):
            weak, kept = WeakView(views[0])(image, targets)
            if kept is not None and len(kept):
                break
        strong = [StrongView(view)(weak) for view in views]
    assert kept is not None, "a view of targets has targets"
    names = dataset.classes
    marked = [_marked(image, targets, names), _marked(weak, kept, names)]
    return marked + [_fitted(view) for view in (weak, *strong)]


def _side_by_side(
    pictures: Sequence[Image.Image], widths: Sequence[int], width: int
) -> Image.Image:
    row = Image.new("RGB", (width, max(picture.height for picture in pictures) + 3), _PAPER)
    left = _GAP
    for picture, column in zip(pictures, widths, strict=True):
        row.paste(picture, (left, 0))
        left += column + _GAP
    return row


def _caption(dataset: ImageDataset, index: int, width: int) -> Image.Image:
    labels, (high, wide) = dataset.labels_of(index), dataset.size(index)
    counted = ", ".join(f"{labels.count(k)} {dataset.classes[k]}" for k in sorted(set(labels)))
    caption = Image.new("RGB", (width, 2 * _TEXT + 2 * _GAP), _PAPER)
    drawer = ImageDraw.Draw(caption)
    drawer.text((_GAP, 0), f"{dataset.names[index]}   {wide} x {high}", _INK, _font())
    told = _shortened(counted or "no instance", width - 2 * _GAP)
    drawer.text((_GAP, _TEXT), told, _FAINT, _font())
    return caption


def _fitted(image: Tensor) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
    scale = min(_WIDTH / picture.width, _HEIGHT / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    kind = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return picture.resize(size, kind)


def _marked(image: Tensor, found: Targets, names: Sequence[str]) -> Image.Image:
    picture = _fitted(image)
    pixels = np.asarray(picture).astype(np.float32)
    words: list[tuple[str, float, float]] = []
    places = [
        ((torch.arange(shown) + 0.5) * (full / shown)).long()
        for full, shown in zip(image.shape[1:], pixels.shape[:2], strict=True)
    ]
    masks = found.cut(*places).numpy()  # at the picture's size: whole ones may be gigabytes
    colours = told_apart(list(masks))
    for k in np.argsort(-masks.sum((1, 2)), kind="stable").tolist():  # small ones on top
        mask = masks[k]
        colour = np.array(PALETTE[colours[k]], np.float32)
        pixels[mask] = 0.5 * pixels[mask] + 0.5 * colour
        pixels[outline(mask)] = colour
        if len(names) > 1 and mask.any():  # the only class needs no word
            rows, columns = np.nonzero(mask)
            name, x, y = names[int(found.labels[k])], float(columns.mean()), float(rows.mean())
            # a word where there is room for it
            half = _font(11).getlength(name) / 2
            fits = half < x < picture.width - half and np.ptp(columns) > half
            if fits and all(abs(x - u) > 2 * half + 4 or abs(y - v) > 14 for _, u, v in words):
                words.append((name, x, y))
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    drawer = ImageDraw.Draw(picture)
    for name, x, y in words:
        drawer.text((x, y), name, _PAPER, _font(11), anchor="mm", stroke_width=2, stroke_fill=_INK)
    return picture


def _heading(title: str, width: int) -> Image.Image:
    heading = Image.new("RGB", (width, 2 * _TEXT + _GAP), _PAPER)
    ImageDraw.Draw(heading).text((_GAP, _GAP), title, _INK, _font(18))
    return heading


def _titles(columns: Sequence[str], widths: Sequence[int], width: int) -> Image.Image:
    line = Image.new("RGB", (width, _TEXT + 5), _PAPER)
    drawer = ImageDraw.Draw(line)
    left = _GAP
    for column, wide in zip(columns, widths, strict=True):
        drawer.text((left, 0), column, _FAINT, _font())
        left += wide + _GAP
    return line


def _shortened(text: str, width: int) -> str:
    if _font().getlength(text) <= width:
        return text
    while text and _font().getlength(text + " ...") > width:
        text = text[: text.rfind(", ")] if ", " in text else text[:-1]
    return text + " ..."


def _font(size: int = 13) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
