"""Any data set in COCO's instances format: folders of images, and a JSON per image set.

What is refused, with one line that says what and where (BadInput):
- an annotation file that is missing, is not JSON, or has no images, annotations or categories;
- an id that is no whole number (`"17"` and 17.0 are) or there twice, of an image, annotation or
  category, and a category name that is there twice;
- an image without file name, height or width; an annotation of an unknown category;
- an RLE that does not cover its image exactly; points in pairs, `[[x, y], ...]`; a coordinate that
  is no number or absurdly far out; an iscrowd that is neither 0 nor 1; an area that is no number;
- image sets with different categories; an image set without a single training target, with what was
  counted instead (boxes alone, crowds, coordinates between 0 and 1, ...);
- a missing folder, or a missing image file (one look at each folder, when the set is opened);
- an image file that is no image, is not complete, or of another size than its annotations say: the
  check and each run's first attempt look at every one's header (`readable`).

What is skipped, and counted in `DatasetSplits.notes`:
- an annotation of an image that is not listed;
- an annotation without a mask, and a polygon of fewer than three points;
- a category without annotations that stands for no class: labelme's `_background_`, and the root
  that Roboflow puts above all others, whatever its name;
- among extra unlabelled images, those that also belong to another image set, hidden files and
  folders, and links that lead back.

What is otherwise decided:
- Crowds are never training targets; they are scored as `iscrowd`. Nor are annotations without a
  pixel (of zero area, outside their image, or with all coordinates between 0 and 1); they are
  scored as pycocotools scores them. Both are counted. A mask that reaches out of its image is cut.
- Whether there is an object is never decided by a stated area. It is kept as it is for APs, APm and
  APl, so that scores are pycocotools' on the very file; one that no such mask can have is noted.
- Images without a training target are never among the labelled images (as in detectron2); they
  stay in the unlabelled pool and in scoring. They are counted.
- Category ids may have gaps; labels are contiguous, in the order of ids. Images are in the order of
  ids, whatever the file's.
- More than 8 bits a channel become 8 as the data set's `scaling` says; a TIFF of several pages is
  refused (reduced copies of the first do not count).
- The EXIF orientation is applied before sizes are compared, as in detectron2.
- Extra unlabelled images are all image files of their folder and its folders; annotations given
  for them are not read.
- An annotation without area or bounding box gets those of its mask.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gdsweep.config import CocoData, ImageSet
from gdsweep.config.coco_format import CATALOG
from gdsweep.config.format_base import Scaling
from gdsweep.data import segmentation as segmentations
from gdsweep.data.annotations import Annotations, read_annotations
from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.image_file import SUFFIXES, image_names, read_annotated, read_image
from gdsweep.errors import BadInput


class CocoDataset:
    """One image set and its annotations. Masks are decoded when asked for."""

    def __init__(self, folder: Path, annotations: Annotations, scaling: Scaling = "full") -> None:
        self.folder, self._annotations, self._scaling = folder, annotations, scaling
        self.names, self.image_ids = annotations.names, annotations.image_ids
        self.categories = annotations.categories
        self.classes = tuple(category["name"] for category in self.categories)
        self.category_ids = tuple(category["id"] for category in self.categories)
        self._label = {number: label for label, number in enumerate(self.category_ids)}

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Tensor:
        """Image `index`: RGB, uint8 [3, H, W]. Raises BadInput if it cannot be read."""
        return read_annotated(self.path(index), self.size(index), self._scaling)

    def path(self, index: int) -> Path:
        """The file of image `index`."""
        return self.folder / self.names[index]

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of image `index`."""
        height, width = self._annotations.sizes[index].tolist()
        return height, width

    def instances(self, index: int) -> segmentations.EncodedInstances:
        """Training targets of image `index`: no crowds, no masks without a pixel."""
        targets = [annotation for annotation, target in self._records(index) if target]
        given = [annotation["segmentation"] for annotation in targets]
        labels = torch.tensor([self._label[a["category_id"]] for a in targets], dtype=torch.int64)
        return segmentations.EncodedInstances(labels, given, *self.size(index))

    def labels_of(self, index: int) -> list[int]:
        """Label of each training target of image `index`."""
        return [self._label[a["category_id"]] for a, target in self._records(index) if target]

    def classes_of(self, index: int) -> frozenset[int]:
        """Labels among the training targets of image `index`."""
        return frozenset(self._annotations.records.labels_of(index))

    def trainable(self) -> Sequence[int]:
        """Indices of the images that have a training target."""
        return self._annotations.records.with_targets()

    def annotated(self) -> Sequence[int]:
        """Indices of the images with an annotation that is no crowd: detectron2's filter."""
        return [
            index
            for index in range(len(self))
            if any(not annotation["iscrowd"] for annotation, _ in self._records(index))
        ]

    def ground_truth(self) -> dict[str, Any]:
        """The usable annotations of the file, ids, areas and crowds as they are there.

        What scores them numbers them anew: see `gdsweep.evaluate.numbering`.
        """
        annotations = []
        images = []
        for index, (image_id, name) in enumerate(zip(self.image_ids, self.names, strict=True)):
            height, width = self.size(index)
            images.append({"id": image_id, "file_name": name, "height": height, "width": width})
            for annotation, _ in self._records(index):
                if "bbox" not in annotation:
                    mask = annotation["segmentation"]
                    annotation["bbox"] = segmentations.box(mask, height, width)
                annotations.append({**annotation, "image_id": image_id})
        categories = [dict(category) for category in self.categories]
        return {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": categories,
        }

    def _records(self, index: int) -> list[tuple[dict[str, Any], bool]]:
        return self._annotations.records.of(index)


class ImageFolder:
    """The image files of a folder and its folders, without annotations."""

    def __init__(self, folder: Path, names: list[str], scaling: Scaling = "full") -> None:
        self.folder, self.names, self._scaling = folder, names, scaling

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Tensor:
        """Image `index`: RGB, uint8 [3, H, W]. Raises BadInput if it cannot be read."""
        return read_image(self.path(index), self._scaling)

    def path(self, index: int) -> Path:
        """The file of image `index`."""
        return self.folder / self.names[index]


def open_coco(settings: CocoData, extra: bool = True) -> DatasetSplits:
    """Open a COCO-format data set; its unlabelled images only where `extra` says so.

    Raises:
        BadInput: see the rules above.
    """
    notes: list[str] = []
    fingerprint: dict[str, str] = {}
    sets: dict[str, CocoDataset] = {}
    for name in ("train", "val", "test"):
        image_set: ImageSet | None = getattr(settings, name)
        if image_set is not None:
            sets[name], fingerprint[name] = _open_set(settings, name, image_set, notes)
            _same_categories(settings, sets["train"], name, sets[name])
    unlabelled = None
    if settings.unlabelled is not None and extra:
        unlabelled = _open_unlabelled(settings, settings.unlabelled, sets, notes)
        listing = "\n".join(unlabelled.names)
        fingerprint["unlabelled"] = hashlib.sha256(listing.encode()).hexdigest()
    test = sets.get("test", sets["val"])
    return DatasetSplits(sets["train"], sets["val"], test, unlabelled, fingerprint, notes)


def _open_set(
    settings: CocoData, name: str, image_set: ImageSet, notes: list[str]
) -> tuple[CocoDataset, str]:
    where = f"{settings.name}: {name}"
    if image_set.annotations is None:
        raise BadInput(f"{where}.annotations: missing; only an unlabelled set may do without")
    path = _annotation_file(settings, image_set.annotations)
    folder = _folder(settings, name, image_set)
    annotations = read_annotations(path, f"{where}.annotations: {path}")
    dataset = CocoDataset(folder, annotations, settings.scaling)
    absent = _absent(folder, dataset.names)
    if absent:
        raise BadInput(
            f"{where}.images: {folder}: {len(absent)} of {len(dataset)} images are not there, "
            f"{absent[0]} for one"
        )
    trainable = len(dataset.trainable())
    if not trainable:
        reasons = "; ".join(annotations.notes) or "it has no annotations"
        raise BadInput(
            f"{where}.annotations: {path}: no image has an instance with a mask: {reasons}"
        )
    notes += [f"{name}: {note}" for note in annotations.notes]
    if trainable < len(dataset) and name == "train":
        without = len(dataset) - trainable
        notes.append(f"train: {without} images without instances are in the unlabelled pool only")
    return dataset, annotations.sha256


def _annotation_file(settings: CocoData, given: str) -> Path:
    if given.startswith(CATALOG):
        from gdsweep.data.catalog import catalog_file  # detectron2 is seldom there

        return catalog_file(given.removeprefix(CATALOG))
    return settings.resolved(given)


def _open_unlabelled(
    settings: CocoData, image_set: ImageSet, sets: dict[str, CocoDataset], notes: list[str]
) -> ImageFolder:
    folder = _folder(settings, "unlabelled", image_set)
    names, left_out = image_names(folder)
    if left_out:
        notes.append(f"unlabelled: {left_out} hidden files, and links that lead back, skipped")
    if not names:
        raise BadInput(
            f"{settings.name}: unlabelled.images: {folder}: no image file in it "
            f"({', '.join(sorted(SUFFIXES))})"
        )
    # a training image would count twice, a scored one is not to be trained on
    taken = {
        os.path.join(os.path.realpath(other.folder), os.path.normpath(name))
        for other in sets.values()
        for name in other.names
    }
    real = os.path.realpath(folder)
    extra = [name for name in names if os.path.join(real, name) not in taken]
    if len(extra) < len(names):
        count = len(names) - len(extra)
        notes.append(f"unlabelled: {count} images that belong to another image set skipped")
    return ImageFolder(folder, extra, settings.scaling)


def _same_categories(settings: CocoData, train: CocoDataset, name: str, other: CocoDataset) -> None:
    ours = dict(zip(train.category_ids, train.classes, strict=True))
    theirs = dict(zip(other.category_ids, other.classes, strict=True))
    for number in sorted(ours.keys() | theirs.keys()):
        if ours.get(number) != theirs.get(number):
            raise BadInput(
                f"{settings.name}: category id {number} is {ours.get(number, 'missing')} in train "
                f"and {theirs.get(number, 'missing')} in {name}; they must be the same"
            )


def _folder(settings: CocoData, name: str, image_set: ImageSet) -> Path:
    folder = settings.resolved(image_set.images)
    if not folder.is_dir():
        raise BadInput(f"{settings.name}: {name}.images: {folder}: no such folder{settings.hint}")
    return folder


def _absent(folder: Path, names: Sequence[str]) -> list[str]:
    # one listing per folder: asking for each file takes minutes on a network file system
    listings: dict[str, set[str]] = {}
    absent = []
    for name in names:
        place, file = os.path.split(name)
        if place not in listings:
            try:
                listings[place] = set(os.listdir(folder / place))
            except OSError:
                listings[place] = set()
        if file not in listings[place]:
            absent.append(name)
    return absent
