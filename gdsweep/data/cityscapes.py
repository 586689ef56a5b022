"""Cityscapes in its official layout, read from gtFine itself (nothing to convert first).

    ROOT/leftImg8bit/{train,val,train_extra}/<city>/<city>_<seq>_<frame>_leftImg8bit.png
    ROOT/gtFine/{train,val}/<city>/<city>_<seq>_<frame>_gtFine_{instanceIds.png,polygons.json}

Rules (`cityscapes_ids` has the ids):
- 8 classes, numbered as in the data. Each id of 1000 and more is an instance of class id // 1000;
  a class's bare id is a group of them ("cargroup"): a crowd, scored as one and never trained on.
- Caravans and trailers are neither trained on nor scored. They are counted.
- Images without an instance are never labelled; they stay in the unlabelled pool and in scoring.
- Images are in the order of their paths, their ids 1, 2, ... Refused, with one line: an image
  without annotation and an annotation without image, a file that is no instance map, and, when it
  is read, an image of another size than its annotation.

Annotations are read when the data set is opened (half a minute for the official 3,475, by several
threads), images are not. Nothing is cached on disk, so nothing can be out of date.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdsweep.config import CityscapesData
from gdsweep.config.cityscapes_format import ENDS, IMAGE
from gdsweep.data import cityscapes_ids as ids
from gdsweep.data import segmentation
from gdsweep.data.coco import ImageFolder
from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.image_file import read_annotated
from gdsweep.data.instances import MapInstances
from gdsweep.errors import BadInput

_IMAGE, _PIXELS, _POLYGONS = IMAGE, ENDS["instance-ids"], ENDS["polygons"]
_OFFICIAL = {"train": 2975, "val": 500}


class CityscapesDataset:
    """One split. Masks are read from their file when asked for."""

    classes = tuple(ids.CLASSES.values())
    category_ids = tuple(ids.CLASSES)

    def __init__(self, root: Path, split: str, masks: str) -> None:
        self.folder = root / "leftImg8bit" / split
        self.truth_folder = root / "gtFine" / split
        self.masks = masks
        self.names = _frames(self.folder, _IMAGE)
        self.image_ids = range(1, len(self.names) + 1)
        _check_pairs(self.folder, self.truth_folder, self.names, _PIXELS)
        if masks == "polygons":
            _check_pairs(self.folder, self.truth_folder, self.names, _POLYGONS)
        maps = _in_threads(self._index, range(len(self.names)))
        self.sha256 = {name: sha for name, (_, _, sha) in zip(self.names, maps, strict=True)}
        # tensors, which loader workers share, and not small objects, which they would copy
        self._sizes = torch.tensor([size for size, _, _ in maps], dtype=torch.int32).view(-1, 2)
        self._values = torch.tensor([value for _, values, _ in maps for value in values])
        self._ends = [0, *accumulate(len(values) for _, values, _ in maps)]
        self._truth: list[tuple[dict[int, Any], Any]] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Tensor:
        """Image `index`: RGB, uint8 [3, H, W]. Raises BadInput if it cannot be read."""
        return read_annotated(self.path(index), self.size(index))

    def path(self, index: int) -> Path:
        """The file of image `index`."""
        return self.folder / self.names[index]

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of image `index`, as its annotation has them."""
        height, width = self._sizes[index].tolist()
        return height, width

    def instances(self, index: int) -> MapInstances:
        """Training targets of image `index`: the pixels each instance shows."""
        values = [value for value in self._values_of(index) if ids.is_instance(value)]
        labels = torch.tensor([ids.LABEL[value // 1000] for value in values], dtype=torch.int64)
        numbers = torch.tensor(values, dtype=torch.int32)
        return MapInstances(labels, numbers, torch.from_numpy(self._map(index)[0]))

    def labels_of(self, index: int) -> list[int]:
        """Label of each training target of image `index`."""
        values = self._values_of(index)
        return [ids.LABEL[value // 1000] for value in values if ids.is_instance(value)]

    def classes_of(self, index: int) -> frozenset[int]:
        """Labels among the training targets of image `index`."""
        return frozenset(self.labels_of(index))

    def trainable(self) -> Sequence[int]:
        """Indices of the images that have an instance."""
        return [index for index in range(len(self)) if self.labels_of(index)]

    def annotated(self) -> Sequence[int]:
        """The same: whatever is visible has an area."""
        return self.trainable()

    def ground_truth(self) -> dict[str, Any]:
        """What Cityscapes scores against: always the pixels, whatever is trained on.

        A COCO instances dictionary, groups as crowds. Besides, each image has as `void` the RLE of
        the pixels on which a prediction is neither right nor wrong.
        """
        if self._truth is None:
            self._truth = _in_threads(self._encoded, range(len(self)))
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for image_id, name, (objects, void) in zip(
            self.image_ids, self.names, self._truth, strict=True
        ):
            height, width = void["size"]
            image = {"id": image_id, "file_name": name, "height": height, "width": width}
            images.append({**image, "void": void})
            areas = segmentation.areas(list(objects.values()))
            for (value, mask), pixels in zip(objects.items(), areas, strict=True):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": value if value < 1000 else value // 1000,
                        "segmentation": mask,
                        "area": float(pixels),
                        "bbox": ids.box(mask),
                        "iscrowd": int(value < 1000),
                    }
                )
        categories = [{"id": number, "name": name} for number, name in ids.CLASSES.items()]
        return {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": categories,
        }

    def count(self, is_kind: Callable[[int], bool]) -> int:
        """How many ids of all images are of a kind, by what tells it."""
        return sum(is_kind(value) for value in self._values.tolist())

    def _values_of(self, index: int) -> list[int]:
        return self._values[self._ends[index] : self._ends[index + 1]].tolist()

    def _map(self, index: int) -> tuple[np.ndarray, str]:
        end = ENDS[self.masks]
        path = self.truth_folder / (self.names[index].removesuffix(_IMAGE) + end)
        return ids.read_polygons(path) if end == _POLYGONS else ids.read_pixels(path)

    def _index(self, index: int) -> tuple[tuple[int, int], list[int], str]:
        found, sha256 = self._map(index)
        return (found.shape[0], found.shape[1]), ids.objects(found), sha256

    def _encoded(self, index: int) -> tuple[dict[int, Any], Any]:
        found, _ = ids.read_pixels(
            self.truth_folder / (self.names[index].removesuffix(_IMAGE) + _PIXELS)
        )
        return ids.encode(found)


def open_cityscapes(settings: CityscapesData, extra: bool = True) -> DatasetSplits:
    """Open Cityscapes; the images of train_extra only where `extra` says that they are used.

    Raises:
        BadInput: see the rules above.
    """
    root = settings.resolved("")
    fingerprint: dict[str, str] = {}
    notes: list[str] = []
    sets: dict[str, CityscapesDataset] = {}
    try:
        for split in ("train", "val"):
            sets[split] = CityscapesDataset(root, split, settings.masks)
            if not sets[split].trainable():
                raise BadInput(f"{sets[split].truth_folder}: not a single instance in it")
            fingerprint[split] = settings.fingerprint(sets[split].sha256)
            notes += _notes(split, sets[split])
        unlabelled = None
        if settings.extra and extra:
            folder = root / "leftImg8bit" / "train_extra"
            unlabelled = ImageFolder(folder, _frames(folder, _IMAGE))
            listing = "\n".join(unlabelled.names)
            fingerprint["unlabelled"] = hashlib.sha256(listing.encode()).hexdigest()
    except BadInput as problem:
        raise BadInput(f"{settings.name}: {problem}{settings.hint}") from None
    return DatasetSplits(sets["train"], sets["val"], sets["val"], unlabelled, fingerprint, notes)


def _notes(split: str, dataset: CityscapesDataset) -> list[str]:
    without = len(dataset) - len(dataset.trainable())
    found = {
        "groups are no training targets": dataset.count(ids.is_group),
        "caravans and trailers skipped": dataset.count(ids.is_skipped),
        "images without instances are in the unlabelled pool only": without * (split == "train"),
    }
    notes = [f"{split}: {count} {rule}" for rule, count in found.items() if count]
    if len(dataset) != _OFFICIAL[split]:
        notes.append(f"{split}: {len(dataset)} images; Cityscapes has {_OFFICIAL[split]}")
    return notes


def _frames(folder: Path, end: str) -> list[str]:
    # <city>/<file>, one listing per city; nothing is opened
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; Cityscapes' official layout has it")
    names = []
    cities = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    for city in (city for city in cities if not city.startswith(".")):
        files = [file for file in os.listdir(folder / city) if not file.startswith(".")]
        names += [f"{city}/{file}" for file in files if file.endswith(end)]
    if not names:
        raise BadInput(f"{folder}: no <city>/*{end} in it; Cityscapes' official layout has them")
    return sorted(names)


def _check_pairs(folder: Path, truth_folder: Path, names: list[str], end: str) -> None:
    images = {name.removesuffix(_IMAGE) for name in names}
    truths = {name.removesuffix(end) for name in _frames(truth_folder, end)}
    for place, lacking, other, suffix in (
        (truth_folder, images - truths, "images", end),
        (folder, truths - images, "annotations", _IMAGE),
    ):
        if lacking:
            total = len(images) if other == "images" else len(truths)
            raise BadInput(
                f"{place}: {len(lacking)} of {total} {other} have no *{suffix}, "
                f"{min(lacking)} for one"
            )


def _in_threads(work: Callable[[int], Any], items: Sequence[int]) -> list[Any]:
    # decoding a PNG leaves Python's lock alone
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        return list(threads.map(work, items))
