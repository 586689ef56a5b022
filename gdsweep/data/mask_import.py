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
from dataclasses import dataclass, field
from pathlib import Path

from gdsweep import atomic
from gdsweep.config import Scaling
from gdsweep.config.intensity import limits
from gdsweep.data.import_settings import ImportSettings
from gdsweep.data.mask_files import read_planes
from gdsweep.data.mask_layouts import SIDES, Source, find_sides
from gdsweep.data.mask_writer import SetWriter
from gdsweep.errors import BadInput


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
            images = _number(counts["images"], "image")
            if settings.tile is not None:
                images += f" in {_number(counts['tiles'], 'tile')}"
            lines.append(f"{side:<5}  {images}, {_number(counts['objects'], 'object')}")
        total: Counter[str] = sum(self.counts.values(), Counter())
        part = "image" if settings.tile is None else "tile"
        told = {
            "cut": f"left of objects that a border cuts, {total['dropped']:,} dropped for fewer "
            f"than {settings.least} pixels",
            "overlapping": "overlapping another of the same image",
            "black": "without a pixel skipped",
            "empty": "without an object kept",
            "deep": f"of more than 8 bits scaled to 8: {_words(self.scaling)}",
        }
        nouns = {"cut": "part", "empty": part, "deep": "image"}
        lines += [
            f"{_number(total[key], nouns.get(key, 'mask'))} {words}"
            for key, words in told.items()
            if total[key]
        ]
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
            written = SetWriter(temporary, side, settings, imported.scaling)
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


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _words(scaling: Scaling) -> str:
    match scaling:
        case "full":
            return "the upper 8 of 16 bits"
        case "min-max":
            return "the lowest and highest value of each image become 0 and 255"
        case "percentile":
            return "the percentiles 0.1 and 99.9 of each image become 0 and 255"
    return f"the values {scaling[0]:g} and {scaling[1]:g} become 0 and 255"
