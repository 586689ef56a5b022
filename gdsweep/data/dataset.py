"""What an image set offers, whatever it is read from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from gdsweep.data.instances import Targets


class Images(Protocol):
    """Images without annotations; all that the unlabelled pool needs."""

    @property
    def names(self) -> Sequence[str]:
        """What to call each image in a message: a file name, or `train/17`."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> Tensor:
        """Image `index`: RGB, uint8 [3, H, W]. Raises BadInput if it cannot be read."""

    def path(self, index: int) -> Path | None:
        """The file of image `index`; None where it has none of its own."""


class ImageDataset(Images, Protocol):
    """Images with instances, in the order of ascending image ids."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each contiguous label."""

    @property
    def category_ids(self) -> tuple[int, ...]:
        """COCO category id of each contiguous label, ascending."""

    @property
    def image_ids(self) -> Sequence[int]:
        """COCO image id of each image."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of image `index`, in pixels."""

    def instances(self, index: int) -> Targets:
        """Training targets of image `index` at the image's size: no crowds, no empty masks."""

    def labels_of(self, index: int) -> Sequence[int]:
        """Label of each training target of image `index`; decodes no mask."""

    def classes_of(self, index: int) -> frozenset[int]:
        """Labels among the training targets of image `index`; decodes no mask."""

    def trainable(self) -> Sequence[int]:
        """Indices of the images that have a training target, ascending."""

    def annotated(self) -> Sequence[int]:
        """Indices of the images with an annotation that is no crowd, ascending: what a published
        split's indices count (detectron2 keeps objects of zero area, which are no targets)."""

    def ground_truth(self) -> dict[str, Any]:
        """A fresh COCO instances dictionary, crowds included, for pycocotools to score against."""


class JoinedImages:
    """The images of several sets behind one another: the unlabelled pool with extra images."""

    def __init__(self, *parts: Images) -> None:
        self.parts = parts
        self.names = [name for part in parts for name in part.names]

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Tensor:
        """Image `index`: RGB, uint8 [3, H, W]."""
        for part in self.parts:
            if index < len(part):
                return part.image(index)
            index -= len(part)
        raise IndexError(index)

    def path(self, index: int) -> Path | None:
        """The file of image `index`."""
        for part in self.parts:
            if index < len(part):
                return part.path(index)
            index -= len(part)
        raise IndexError(index)


@dataclass(frozen=True)
class DatasetSplits:
    """The image sets of one data set."""

    train: ImageDataset
    """Training images; the label split is drawn from them."""
    val: ImageDataset
    """Validation images: the best checkpoint is chosen on them."""
    test: ImageDataset
    """Images of the reported score; may be `val` itself."""
    unlabelled: Images | None
    """Extra images for the unlabelled pool."""
    fingerprint: dict[str, str]
    """What identifies the data: per image set the sha256 of its annotation file, or, where images
    are generated, the settings they follow from."""
    notes: list[str] = field(default_factory=list)
    """What was skipped, counted by rule, one line each."""
