"""COCO's instances format; its rules: see `gdsweep.data.coco`."""

import math
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from gdsweep.config.base import Settings
from gdsweep.config.format_base import FileFormat, Scaling
from gdsweep.config.set_statistics import SetStatistics, coco_statistics

CATALOG = "detectron2:"
"""What begins so is looked up in detectron2's catalog."""


class ImageSet(Settings):
    """One set of images and, except for an unlabelled pool, its COCO annotation file."""

    images: str
    """Folder of the images. `~` and `$VARIABLES` are expanded; relative to the data set's root."""
    annotations: str | None = None
    """COCO instances JSON, found as `images` is; only an `unlabelled` set may do without.
    `detectron2:NAME` is the data set of that name in detectron2's catalog, which knows its images'
    places itself."""


class CocoData(FileFormat):
    """A data set in COCO's instances format."""

    opener: ClassVar[str] = "gdsweep.data.coco:open_coco"
    miniature_writer: ClassVar[str] = "gdsweep.data.miniature:write_coco"

    format: Literal["coco"] = "coco"
    train: ImageSet
    """Training images; the label split is drawn from them."""
    val: ImageSet
    """Validation images: the best checkpoint is chosen on them."""
    test: ImageSet | None = None
    """Images of the reported score; the validation images if not given, as in the paper."""
    unlabelled: ImageSet | None = None
    """Extra images that join the unlabelled pool (annotations, if any, are not read)."""
    scaling: Scaling = "full"
    """How images with more than 8 bits a channel become 8 bits: `full` keeps the upper 8 of 16
    bits; `percentile` takes the percentiles 0.1 and 99.9 of each image to 0 and 255, `min-max` its
    lowest and highest value, and `[LOW, HIGH]` these two values. Images of 8 bits stay as they are.
    """

    @field_validator("scaling")
    @classmethod
    def _rising(cls, given: Scaling) -> Scaling:
        if not isinstance(given, str) and not -math.inf < given[0] < given[1] < math.inf:
            raise ValueError("two values, the lower first, are valid: [0, 4095]")
        return given

    @property
    def place(self) -> Path | None:
        """The training annotations; None where a catalog knows the files' places."""
        given = self.train.annotations
        return None if given is None or given.startswith(CATALOG) else self.resolved(given)

    @property
    def pixel_scaling(self) -> Scaling:
        """As `scaling` says."""
        return self.scaling

    def identity(self, extra: bool | None) -> dict[str, Any]:
        """Name and format, and the scaling where it is not that of every earlier run."""
        scaled = {} if self.scaling == "full" else {"scaling": self.scaling}
        return {**super().identity(extra), **scaled}

    @property
    def has_extra(self) -> bool:
        """Whether a folder of unlabelled images is given."""
        return self.unlabelled is not None

    @property
    def has_test(self) -> bool:
        """Whether test images are given."""
        return self.test is not None

    def miniature(self, folder: Path) -> "CocoData":
        """COCO 2017 in miniature, with the image sets that this data set has."""
        val = ImageSet(images="val2017", annotations="annotations/instances_val2017.json")
        return CocoData(
            name=self.name,
            root=str(folder / self.format),
            train=ImageSet(images="train2017", annotations="annotations/instances_train2017.json"),
            val=val,
            test=self.test and val,
            unlabelled=self.unlabelled and ImageSet(images="unlabeled2017"),
        )

    @property
    def derives(self) -> bool:
        """Whether a file of annotations is named; what a catalog knows is not looked at."""
        return self.place is not None

    def statistics(self, image_set: str) -> SetStatistics | None:
        """Statistics of the set's annotation file; a set without one is reported on `val`."""
        images = {"train": self.train, "test": self.test}.get(image_set) or self.val
        given = images.annotations
        if given is None or given.startswith(CATALOG):
            return None
        return coco_statistics(self.resolved(given))

    def annotation_files(self) -> dict[str, dict[str, Path]]:
        """One file an image set; none of a catalog's, which are made of what it knows."""
        files = {}
        for name, images in (("train", self.train), ("val", self.val), ("test", self.test)):
            given = images and images.annotations
            if given and not given.startswith(CATALOG) and self.resolved(given).is_file():
                files[name] = {"": self.resolved(given)}
        return files

    def fingerprint(self, sha256: dict[str, str]) -> str:
        """The sha256 of the one file."""
        return sha256[""]
