"""Cityscapes' instance maps: what a pixel's number means, and how maps are read and drawn.

A pixel holds a class's id (7 is road), or id * 1000 + n for the n-th instance of a class that has
instances (26003 is a car). The ids are those of the data set's own definition.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as rle

from gdsweep.data.stand_in import stand_in
from gdsweep.errors import BadInput

CLASSES = {
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
"""The classes that are scored, by id."""

LABEL = {number: label for label, number in enumerate(CLASSES)}
"""From id to contiguous label."""

SKIPPED = {29: "caravan", 30: "trailer"}
"""Classes with instances that are not scored."""

VOID = (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30)
"""Ids on whose pixels a prediction is neither right nor wrong."""

_NAMES = (
    "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground",
    "road", "sidewalk", "parking", "rail track", "building", "wall", "fence", "guard rail",
    "bridge", "tunnel", "pole", "polegroup", "traffic light", "traffic sign", "vegetation",
    "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan", "trailer", "train",
    "motorcycle", "bicycle",
)  # fmt: skip
IDS = {name: number for number, name in enumerate(_NAMES)}
"""From a class's name to its id; `license plate`, -1, is not drawn."""

_UNDRAWN = "license plate"
_WITH_INSTANCES = CLASSES.keys() | SKIPPED.keys()


def is_instance(value: int) -> bool:
    """Whether an id is an instance of a scored class."""
    return value // 1000 in CLASSES


def is_group(value: int) -> bool:
    """Whether an id is a group of a scored class."""
    return value in CLASSES


def is_skipped(value: int) -> bool:
    """Whether an id is an instance or group of a class that is not scored."""
    return value in SKIPPED or value // 1000 in SKIPPED


def objects(ids: np.ndarray) -> list[int]:
    """Ids of the instances and groups on a map, ascending; caravans and trailers too."""
    values = np.flatnonzero(np.bincount(ids.ravel())).tolist()
    return [v for v in values if is_instance(v) or is_group(v) or is_skipped(v)]


def read_pixels(path: Path) -> tuple[np.ndarray, str]:
    """The map in an `*_instanceIds.png`, int32 [H, W], and the file's sha256. Raises BadInput."""
    content = _content(path)
    try:
        with Image.open(io.BytesIO(content)) as image:
            ids = np.asarray(image)
    except Exception as error:  # Pillow's decoders raise whatever they meet
        words = " ".join(str(error).split()) or type(error).__name__
        reason = stand_in(content[:512]) or words
        raise BadInput(f"{path}: not a readable image: {reason}") from None
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise BadInput(f"{path}: not an instance map: it has colours, not one number per pixel")
    for value in (int(ids.min()), int(ids.max())):
        if not (0 <= value < len(_NAMES) or value // 1000 in _WITH_INSTANCES):
            raise BadInput(f"{path}: not an instance map: {value} is no id of Cityscapes")
    return ids.astype(np.int32), hashlib.sha256(content).hexdigest()


def read_polygons(path: Path) -> tuple[np.ndarray, str]:
    """The map that an `*_polygons.json` describes, int32 [H, W], and the file's sha256.

    Later polygons lie on top. Those marked as deleted are left out; "cargroup" is a group of cars.

    Raises:
        BadInput: the file is missing or not what it should be.
    """
    content = _content(path)
    try:
        page = json.loads(content)
        canvas = Image.new("I", (int(page["imgWidth"]), int(page["imgHeight"])), 0)
        _draw(ImageDraw.Draw(canvas), page["objects"])
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BadInput(f"{path}: not Cityscapes' polygons: {reason}") from None
    return np.array(canvas, dtype=np.int32), hashlib.sha256(content).hexdigest()


def _draw(drawer: ImageDraw.ImageDraw, entries: list[dict[str, Any]]) -> None:
    drawn = dict.fromkeys(_WITH_INSTANCES, 0)
    for place, entry in enumerate(entries):
        name = entry["label"]
        if entry.get("deleted") or name == _UNDRAWN:
            continue
        number = IDS.get(name, IDS.get(name.removesuffix("group")))
        if number is None:
            raise ValueError(f"objects[{place}]: no class is called {name}")
        value = number
        if name in IDS and number in drawn:
            value = number * 1000 + drawn[number]
            drawn[number] += 1
        points = [(float(x), float(y)) for x, y in entry["polygon"]]
        if len(points) < 2:
            raise ValueError(f"objects[{place}]: its polygon has {len(points)} points")
        drawer.polygon(points, fill=value)


def encode(ids: np.ndarray) -> tuple[dict[int, Any], Any]:
    """The RLE of each instance and group of the scored classes of a map, and the RLE of void."""
    kept = [value for value in objects(ids) if is_instance(value) or is_group(value)]
    of_objects = dict(zip(kept, _encode(ids, kept), strict=True))
    return of_objects, _encode(np.isin(ids, VOID), [True])[0]


def _encode(ids: np.ndarray, values: Sequence[int]) -> list[dict[str, Any]]:
    # one pass for all values: the runs of a map are few, its pixels are not
    column_by_column = ids.ravel(order="F")
    changes = np.flatnonzero(column_by_column[1:] != column_by_column[:-1]) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [ids.size]])
    held = column_by_column[starts]
    masks = []
    for value in values:
        own = held == value
        edges = np.stack([starts[own], ends[own]], axis=1).ravel()
        runs = np.diff(edges, prepend=0, append=ids.size).tolist()
        height, width = ids.shape
        mask = rle.frPyObjects({"size": [height, width], "counts": runs}, height, width)
        masks.append({**mask, "counts": mask["counts"].decode("ascii")})
    return masks


def box(mask: dict[str, Any]) -> list[float]:
    """Left, top, width and height of an RLE."""
    return rle.toBbox(mask).tolist()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
