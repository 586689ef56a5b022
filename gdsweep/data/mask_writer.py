"""Images and objects of one image set, cut into tiles and written as COCO annotations.

For the rules see `mask_import`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as rle

from gdsweep import atomic
from gdsweep.config import Scaling
from gdsweep.data.import_settings import ImportSettings
from gdsweep.data.mask_files import ObjectMask, Plane, read_planes, scaled
from gdsweep.data.mask_layouts import Source
from gdsweep.errors import BadInput


class SetWriter:
    """One image set as it is written: its images, annotations and counts.

    Args:
        folder: is there; `SIDE.json` and the images of `SIDE/` are written to it.
        side: the image set.
        settings: of the import.
        scaling: how more than 8 bits become 8, measured where the settings say `data-set`.
    """

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
