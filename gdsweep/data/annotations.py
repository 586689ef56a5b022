"""An annotation file in COCO's instances format: checked, and kept small. Rules: see `coco`."""

import contextlib
import gc
import hashlib
import json
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdsweep.data.annotation import Reader
from gdsweep.data.stand_in import stand_in
from gdsweep.errors import BadInput

LONGEST = 100_000
"""Longest side of an image, in pixels: what pycocotools can count a mask of."""

_WHOLE = re.compile(r"-?[0-9]{1,30}")
_NO_PARENT = {"None", "none", "", "null"}
_BACKGROUND = {"_background_", "__background__"}


@dataclass
class Annotations:
    """The content of an annotation file, images in the order of ascending ids."""

    image_ids: list[int]
    names: list[str]
    """Path of each image file, relative to its folder."""
    sizes: Tensor
    """Height and width of each image, int32 [n, 2]."""
    categories: list[dict[str, Any]]
    """As in the file, in the order of ascending ids."""
    records: "Records"
    """Usable annotations of each image."""
    sha256: str
    """Digest of the file."""
    notes: list[str] = field(default_factory=list)
    """What is odd about the file, counted by rule; a line each."""


class Records:
    """Annotations of each image as (annotation, is a training target), in a few tensors.

    Millions of small objects would be copied into every loader worker; tensors are shared.

    Args:
        per_image: the annotations of each image.
        labels: the contiguous label of each category id.
    """

    def __init__(
        self, per_image: list[list[tuple[dict[str, Any], bool]]], labels: dict[int, int]
    ) -> None:
        pieces = [pickle.dumps(records) for records in per_image]
        self._ends = _ends(pieces)
        self._content = torch.frombuffer(bytearray().join(pieces), dtype=torch.uint8)
        # labels, not ids: a tensor has no room for ids beyond 64 bits
        targets = [
            sorted({labels[a["category_id"]] for a, target in r if target}) for r in per_image
        ]
        self._target_ends = _ends(targets)
        self._targets = torch.tensor([c for found in targets for c in found], dtype=torch.int64)

    def of(self, index: int) -> list[tuple[dict[str, Any], bool]]:
        """The annotations of image `index`."""
        part = self._content[int(self._ends[index]) : int(self._ends[index + 1])]
        return pickle.loads(part.numpy().data)

    def labels_of(self, index: int) -> list[int]:
        """Labels among the training targets of image `index`, each once."""
        return self._targets[self._target_ends[index] : self._target_ends[index + 1]].tolist()

    def with_targets(self) -> list[int]:
        """Indices of the images that have a training target, ascending."""
        return self._target_ends.diff().nonzero().flatten().tolist()


def _ends(pieces: Sequence[Sized]) -> Tensor:
    return torch.tensor([0, *(len(piece) for piece in pieces)], dtype=torch.int64).cumsum(0)


def read_annotations(path: Path, where: str) -> Annotations:
    """Read and check an annotation file; `where` begins every message.

    Raises:
        BadInput: the file is missing or not what it should be; see `coco` for the rules.
    """
    with _no_collection():
        return _read(path, where)


def _read(path: Path, where: str) -> Annotations:
    content, digest = _load(path, where)
    images = sorted(_entries(content, "images", where), key=lambda image: image["id"])
    if not images:
        raise BadInput(f"{where}: no images")
    for image in images:
        _check_image(image, where)
    _refuse_duplicates([image["id"] for image in images], "image id", where)
    annotations = _entries(content, "annotations", where)
    reader = Reader()
    categories = _categories(content, annotations, reader, where)
    per_image = _grouped(annotations, images, categories, reader, where)
    return Annotations(
        image_ids=[image["id"] for image in images],
        # tools on Windows write folders with backslashes
        names=[image["file_name"].replace("\\", "/") for image in images],
        sizes=torch.tensor([(i["height"], i["width"]) for i in images], dtype=torch.int32),
        categories=categories,
        records=Records(per_image, {c["id"]: label for label, c in enumerate(categories)}),
        sha256=digest,
        notes=reader.notes(),
    )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    # nothing here is garbage until the end, and looking for it doubles the time to load COCO
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(path: Path, where: str) -> tuple[dict[str, Any], str]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise BadInput(f"{where}: {reason}; a COCO instances JSON belongs there") from None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid JSON: {stand_in(raw[:512]) or error}") from None
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise BadInput(
                f"{where}: no list '{key}'; COCO's instances format has images, annotations "
                "and categories"
            )
    return content, hashlib.sha256(raw).hexdigest()


def _entries(content: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    entries = content[key]
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not _whole(_as_whole(entry.get("id"))):
            given = (
                f" ({str(entry['id'])[:40]})" if isinstance(entry, dict) and "id" in entry else ""
            )
            raise BadInput(f"{where}: {key}[{number}] has no whole number as its id{given}")
        for name in ("id", "image_id", "category_id"):
            if name in entry:
                entry[name] = _as_whole(entry[name])
    return entries


def _check_image(image: dict[str, Any], where: str) -> None:
    if not isinstance(image.get("file_name"), str):
        raise BadInput(f"{where}: image id {image['id']} has no file_name")
    for side in ("height", "width"):
        image[side] = _as_whole(image.get(side))
        if not _whole(image[side]) or not 1 <= image[side] <= LONGEST:
            raise BadInput(
                f"{where}: image id {image['id']} has no {side} in whole pixels (1 to {LONGEST:,})"
            )


def _categories(
    content: dict[str, Any], annotations: list[dict[str, Any]], reader: Reader, where: str
) -> list[dict[str, Any]]:
    entries = sorted(_entries(content, "categories", where), key=lambda c: c["id"])
    if not entries:
        raise BadInput(f"{where}: no categories")
    for category in entries:
        if not isinstance(category.get("name"), str):
            raise BadInput(f"{where}: category id {category['id']} has no name")
    _refuse_duplicates([category["id"] for category in entries], "category id", where)
    found = []
    numbers = (annotation.get("category_id") for annotation in annotations)
    used = {number for number in numbers if _whole(number)}
    for category in entries:
        if category["id"] not in used and _stands_for_no_class(category, entries):
            rule = f"category without annotations ({category['name']}), no class, left out"
            reader.counts[rule] = 1
        else:
            found.append(category)
    _refuse_duplicates([category["name"] for category in found], "category name", where)
    return found


def _stands_for_no_class(category: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
    """Whether a category is labelme's `_background_`, or a parent of all others, as Roboflow's.

    Roboflow's has no supercategory, is that of every other category, and may have the name of the
    only class.
    """
    if category["name"] in _BACKGROUND:
        return True
    others = [entry for entry in entries if entry is not category]
    parents = {str(entry.get("supercategory")) for entry in others}
    return parents == {category["name"]} and str(category.get("supercategory")) in _NO_PARENT


def _grouped(
    annotations: list[dict[str, Any]],
    images: list[dict[str, Any]],
    categories: list[dict[str, Any]],
    reader: Reader,
    where: str,
) -> list[list[tuple[dict[str, Any], bool]]]:
    per_image: list[list[tuple[dict[str, Any], bool]]] = [[] for _ in images]
    places = {image["id"]: place for place, image in enumerate(images)}
    known = {category["id"] for category in categories}
    _refuse_duplicates([a["id"] for a in annotations], "annotation id", where)
    for annotation in annotations:
        image_id, category_id = annotation.get("image_id"), annotation.get("category_id")
        place = places.get(image_id) if _whole(image_id) else None
        if place is None:
            reader.counts["annotations of images that are not listed skipped"] += 1
            continue
        if not _whole(category_id) or category_id not in known:
            ids = ", ".join(str(c["id"]) for c in categories[:10])
            raise BadInput(
                f"{where}: annotation id {annotation['id']} has category_id {category_id}, which "
                f"is not among the categories ({ids}{', ...' if len(known) > 10 else ''})"
            )
        image = images[place]
        try:
            record = reader.read(annotation, image["height"], image["width"])
        except (ValueError, OverflowError) as error:
            raise BadInput(f"{where}: annotation id {annotation['id']}: {error}") from None
        if record is not None:
            per_image[place].append(record)
    return per_image


def _refuse_duplicates(values: list[Any], what: str, where: str) -> None:
    if len(set(values)) < len(values):
        value, times = Counter(values).most_common(1)[0]
        raise BadInput(f"{where}: {what} {value} is there {times} times; each must be unique")


def _as_whole(value: Any) -> Any:
    # tables of numbers write whole numbers as 17.0, forms as "17"
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
