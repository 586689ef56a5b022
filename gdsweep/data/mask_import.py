"""COCO annotations from microscope images with one mask an object, or with label maps.

What is decided:
- Sides: images that stand in folders `train`, `val` and `test` stay there. Others are drawn from
  the training images: these are put in the order of the SHA-256 of seed and name, and the first
  `val` of them (a fraction, rounded, one at least) are validation images, the next `test` test
  images. Pages and tiles of one image, and images of one group, are on one side.
- Tiles: an image with a side longer than `tile` is cut, without overlap or rest, into as few equal
  parts as keep that length (sides differ by one pixel at most).
- An object that a border cuts has its part in each tile. A part of fewer than `least` pixels is
  dropped and counted; an object that no border cuts is kept, however small.
- Images and tiles without objects are kept: they are scored, and unlabelled images of training.
- Masks may overlap; each is kept as it is, and those that do are counted.
- Pixels of more than 8 bits become 8 by the whole image or page, before it is cut.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pycocotools import mask as rle

from gdsweep import atomic
from gdsweep.config import Scaling
from gdsweep.config.intensity import limits
from gdsweep.data.mask_files import ObjectMask, Pages, Plane, read_planes, scaled
from gdsweep.data.mask_layouts import SIDES, Source, find_sides
from gdsweep.errors import BadInput


@dataclass(frozen=True)
class ImportSettings:
    """How images and masks become a data set."""

    category: str = "object"
    """Name of the one class."""
    tile: int | None = None
    """Longest side of a tile, in pixels; None leaves images whole."""
    least: int = 16
    """Pixels below which the part of an object that a tile's border cuts is dropped."""
    val: float = 0.15
    """Fraction of the training images that becomes validation images."""
    test: float = 0.15
    """Fraction of the training images that becomes test images."""
    seed: int = 0
    """Of the draw."""
    group: str | None = None
    """Regular expression; images whose names have the same match are on one side."""
    pages: Pages = None
    """What becomes of stacks."""
    scaling: Scaling | Literal["data-set"] = "percentile"
    """How more than 8 bits become 8; `data-set` takes the lowest and highest percentiles of all
    training images."""


@dataclass
class Imported:
    """What was written."""

    scaling: Scaling
    """How deep pixels were scaled; `full` where there are none."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """By image set: images, tiles, objects, and what the summary tells besides."""

    def lines(self, settings: ImportSettings) -> list[str]:
        """The summary, in words."""
        lines = []
        for side, counts in self.counts.items():
            images = f"{counts['images']:,} images"
            if settings.tile is not None:
                images += f" in {counts['tiles']:,} tiles"
            lines.append(f"{side:<5}  {images}, {counts['objects']:,} objects")
        total: Counter[str] = sum(self.counts.values(), Counter())
        told = {
            "cut": f"parts of objects that a border cuts, {total['dropped']:,} of them dropped for "
            f"fewer than {settings.least} pixels",
            "overlapping": "masks overlap another of their image",
            "black": "masks without a pixel skipped",
            "empty": f"{'images' if settings.tile is None else 'tiles'} without an object kept",
            "deep": f"images of more than 8 bits scaled to 8: {_words(self.scaling)}",
        }
        lines += [f"{total[key]:,} {words}" for key, words in told.items() if total[key]]
        if total["maps"] > 1 and not total["several"]:
            lines.append("no label map holds more than one object: are these masks of all objects?")
        return lines


def import_masks(folder: Path, out: Path, settings: ImportSettings) -> Imported:
    """Write `out`: a COCO file and a folder of PNG images for each image set.

    Raises:
        BadInput: `out` is there already, or the images and masks are not what they should be; then
            nothing is written.
    """
    if out.exists():
        raise BadInput(f"{out}: is there already; name another folder")
    sides = _drawn(folder, find_sides(folder), settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        imported = Imported(_scaling(sides["train"], settings))
        for side in (side for side in SIDES if sides.get(side)):
            written = _Writer(temporary, side, settings, imported.scaling)
            for source in sides[side]:
                written.add(source)
            if not written.annotations:
                raise BadInput(f"{folder}: no image of {side} holds an object")
            written.close()
            imported.counts[side] = written.counts
        if not any(counts["deep"] for counts in imported.counts.values()):
            imported.scaling = "full"
        os.chmod(temporary, 0o777 & ~atomic.umask())
        os.rename(temporary, out)
    except BaseException:
        shutil.rmtree(temporary)
        raise
    return imported


def tiles(height: int, width: int, longest: int | None) -> Iterator[tuple[int, int, int, int]]:
    """Top, left, bottom and right of each tile of an image, from the upper left; see the rules."""
    rows = 1 if longest is None else -(-height // longest)
    columns = 1 if longest is None else -(-width // longest)
    for row in range(rows):
        for column in range(columns):
            yield (
                row * height // rows,
                column * width // columns,
                (row + 1) * height // rows,
                (column + 1) * width // columns,
            )


def _drawn(
    folder: Path, sides: dict[str, list[Source]], settings: ImportSettings
) -> dict[str, list[Source]]:
    """The sides, those that no folder gives drawn from the training images."""
    groups: dict[str, list[Source]] = {}
    for source in sides["train"]:
        groups.setdefault(_group(source.name, settings.group), []).append(source)
    order = sorted(
        groups, key=lambda name: hashlib.sha256(f"{settings.seed}/{name}".encode()).hexdigest()
    )
    drawn = dict(sides)
    total = len(sides["train"])
    for side, fraction in (("val", settings.val), ("test", settings.test)):
        if side in sides or fraction == 0:
            continue
        wanted = max(1, round(fraction * total))
        drawn[side] = []
        while order and len(drawn[side]) < wanted:
            drawn[side] += groups[order.pop(0)]
    drawn["train"] = [source for name in order for source in groups[name]]
    if not drawn["train"] or not drawn.get("val"):
        kinds = "groups" if settings.group else "images"
        raise BadInput(
            f"{folder}: {len(groups)} {kinds} leave none for training or validation; more images, "
            "or other fractions (--val, --test), are valid"
        )
    return {side: sorted(found, key=lambda s: s.name) for side, found in drawn.items()}


def _group(name: str, pattern: str | None) -> str:
    if pattern is None:
        return name
    match = re.search(pattern, name)
    if match is None:
        raise BadInput(f"{name}: --group {pattern} matches nothing of this name")
    return match[0]


def _scaling(train: list[Source], settings: ImportSettings) -> Scaling:
    """The scaling, that of all training images measured."""
    if settings.scaling != "data-set":
        return settings.scaling
    found = [
        limits(plane.pixels, "percentile")
        for source in train
        for plane in read_planes(source, settings.pages, "percentile")
        if plane.deep
    ]
    if not found:
        return "full"
    return min(low for low, _ in found), max(high for _, high in found)


def _words(scaling: Scaling) -> str:
    match scaling:
        case "full":
            return "the upper 8 of 16 bits"
        case "min-max":
            return "the lowest and highest value of each image become 0 and 255"
        case "percentile":
            return "the percentiles 0.1 and 99.9 of each image become 0 and 255"
    return f"the values {scaling[0]:g} and {scaling[1]:g} become 0 and 255"


class _Writer:
    """One image set as it is written."""

    def __init__(self, folder: Path, side: str, settings: ImportSettings, scaling: Scaling) -> None:
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self._folder, self._side = folder, side
        self._settings, self._scaling = settings, scaling
        (folder / side).mkdir()

    def add(self, source: Source) -> None:
        """Write the images of a source."""
        for plane in read_planes(source, self._settings.pages, self._scaling):
            pixels = scaled(plane, self._scaling, source.image)
            self._count(source, plane)
            height, width = pixels.shape[:2]
            boxes = list(tiles(height, width, self._settings.tile))
            for box in boxes:
                stem = source.name if plane.page is None else f"{source.name}-p{plane.page}"
                if len(boxes) > 1:
                    stem += f"-{box[1]}-{box[0]}"
                self._write(pixels, plane.objects, box, stem, source)

    def close(self) -> None:
        """Write the annotation file."""
        content = {
            "info": {},
            "images": self.images,
            "annotations": self.annotations,
            "categories": [{"id": 1, "name": self._settings.category}],
        }
        atomic.write_json_compact(self._folder / f"{self._side}.json", content)

    def _count(self, source: Source, plane: Plane) -> None:
        self.counts["images"] += 1
        self.counts["deep"] += plane.deep
        self.counts["black"] += plane.without_pixels
        self.counts["maps"] += source.label_map
        self.counts["several"] += source.label_map and len(plane.objects) > 1
        self.counts["overlapping"] += _overlapping(plane)

    def _write(
        self,
        pixels: np.ndarray,
        objects: list[ObjectMask],
        box: tuple[int, int, int, int],
        stem: str,
        source: Source,
    ) -> None:
        top, left, bottom, right = box
        name = f"{self._side}/{stem}.png"
        if (self._folder / name).exists():
            raise BadInput(f"{source.image}: another image, or a part of one, is called {stem} too")
        Image.fromarray(pixels[top:bottom, left:right]).save(self._folder / name)
        number, before = len(self.images) + 1, len(self.annotations)
        self.images.append(
            {
                "id": number,
                "file_name": name,
                "height": bottom - top,
                "width": right - left,
                "of": source.image.name,
                "corner": [left, top],
            }
        )
        for one in objects:
            mask = self._part(one, box)
            if mask is not None:
                self.annotations.append(_annotation(mask, len(self.annotations) + 1, number))
        self.counts["tiles"] += 1
        self.counts["objects"] += len(self.annotations) - before
        self.counts["empty"] += len(self.annotations) == before

    def _part(self, one: ObjectMask, box: tuple[int, int, int, int]) -> np.ndarray | None:
        """The mask of an object in a tile, [h, w] of the tile; None where there is none."""
        top, left, bottom, right = box
        height, width = one.mask.shape
        rows = slice(max(top, one.top), min(bottom, one.top + height))
        columns = slice(max(left, one.left), min(right, one.left + width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        inside = one.mask[
            rows.start - one.top : rows.stop - one.top,
            columns.start - one.left : columns.stop - one.left,
        ]
        area, whole = int(inside.sum()), int(one.mask.sum())
        if area == 0:
            return None
        if area < whole:
            self.counts["cut"] += 1
            if area < self._settings.least:
                self.counts["dropped"] += 1
                return None
        mask = np.zeros((bottom - top, right - left), np.uint8, order="F")
        mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
            inside
        )
        return mask


def _annotation(mask: np.ndarray, number: int, image: int) -> dict[str, Any]:
    code = rle.encode(mask)
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": rle.toBbox(code).tolist(),
        "area": int(rle.area(code)),
        "segmentation": {"size": list(code["size"]), "counts": code["counts"].decode()},
        "iscrowd": 0,
    }


def _overlapping(plane: Plane) -> int:
    """How many masks share a pixel with another."""
    places = [
        np.s_[o.top : o.top + o.mask.shape[0], o.left : o.left + o.mask.shape[1]]
        for o in plane.objects
    ]
    times = np.zeros(plane.pixels.shape[:2], np.uint16)
    for place, one in zip(places, plane.objects, strict=True):
        times[place] += one.mask
    pairs = zip(places, plane.objects, strict=True)
    return sum(bool((times[place][one.mask] > 1).any()) for place, one in pairs)
