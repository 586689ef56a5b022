"""Settings of what is read: data sets, label splits, augmentation."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gdsweep.config.base import Settings

CATALOG = "detectron2:"
"""What begins so is looked up in detectron2's catalog."""


def expanded(path: str) -> str:
    """A path with `~` and `$VARIABLES` put in; $DETECTRON2_DATASETS is `datasets` where not set.

    That is detectron2's rule; a relative path is relative to the working directory.
    """
    if "DETECTRON2_DATASETS" not in os.environ:
        path = re.sub(r"\$(DETECTRON2_DATASETS\b|\{DETECTRON2_DATASETS\})", "datasets", path)
    return os.path.expanduser(os.path.expandvars(path))


class ShapesData(Settings):
    """Generated scenes of textured, occluding, rotated shapes over clutter; no download."""

    name: str
    """The data set's name: its identity in run names, tables and hashes."""
    format: Literal["shapes"] = "shapes"
    size: int = Field(64, ge=32, multiple_of=32)
    """Side of the square scene, in pixels."""
    train: int = Field(2000, ge=1)
    """Number of training scenes, labelled and unlabelled together."""
    val: int = Field(200, ge=1)
    """Number of validation scenes: the best checkpoint is chosen on them."""
    test: int = Field(500, ge=1)
    """Number of test scenes: the reported score is measured on them."""
    world: int = 0
    """Seed of the scenes themselves (not of a run)."""
    objects: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=4)]] = (2, 4)
    """Fewest and most objects of a scene."""
    radius: tuple[Annotated[float, Field(ge=4)], Annotated[float, Field(le=24)]] = (9, 15)
    """Smallest and largest radius of an object, in pixels of a 64 x 64 scene."""

    @model_validator(mode="after")
    def _ascending(self) -> "ShapesData":
        for name, (low, high) in (("objects", self.objects), ("radius", self.radius)):
            if low > high:
                raise ValueError(f"{name}: {low} to {high} is no range")
        return self


class ImageSet(Settings):
    """One set of images and, except for an unlabelled pool, its COCO annotation file."""

    images: str
    """Folder of the images. `~` and `$VARIABLES` are expanded; relative to the data set's root."""
    annotations: str | None = None
    """COCO instances JSON, found as `images` is; only an `unlabelled` set may do without.
    `detectron2:NAME` is the data set of that name in detectron2's catalog, which knows its images'
    places itself."""


class CocoData(Settings):
    """A data set in COCO's instances format."""

    name: str
    """The data set's name: its identity. Other annotations under an old name are refused."""
    format: Literal["coco"] = "coco"
    root: str = ""
    """Folder the other paths are relative to; a relative root is relative to the grid file."""
    train: ImageSet
    """Training images; the label split is drawn from them."""
    val: ImageSet
    """Validation images: the best checkpoint is chosen on them."""
    test: ImageSet | None = None
    """Images of the reported score; the validation images if not given, as in the paper."""
    unlabelled: ImageSet | None = None
    """Extra images that join the unlabelled pool (annotations, if any, are not read)."""

    def resolved(self, path: str) -> Path:
        """A path of this data set with `~`, `$VARIABLES` and the root put in."""
        return Path(expanded(self.root)) / expanded(path)


class CityscapesData(Settings):
    """Cityscapes in its official layout: `leftImg8bit/` and `gtFine/` with a folder per city.

    The 8 classes that are scored; `train` to train on, `val` to choose and report on (sec. 4.1).
    """

    name: str
    """The data set's name: its identity. Other annotations under an old name are refused."""
    format: Literal["cityscapes"] = "cityscapes"
    root: str = "$DETECTRON2_DATASETS/cityscapes"
    """Folder that holds `leftImg8bit` and `gtFine`; a relative root is relative to the grid file.
    $DETECTRON2_DATASETS is `datasets` where not set, as in detectron2."""
    extra: bool = False
    """Whether the images of `leftImg8bit/train_extra` (20k) may join the unlabelled pool."""
    masks: Literal["instance-ids", "polygons"] = "instance-ids"
    """Where training masks come from: the pixels of `*_instanceIds.png`, or `*_polygons.json` drawn
    in their order, later ones on top. The public code takes the polygons (method of detectron2),
    whose outlines differ from the pixels by half a pixel; scores are always of the pixels."""

    def resolved(self, path: str) -> Path:
        """A path of this data set with `~`, `$VARIABLES` and the root put in."""
        return Path(expanded(self.root)) / expanded(path)


FileData = CocoData | CityscapesData
"""Data sets that are read from files."""

DataSettings = Annotated[ShapesData | CocoData | CityscapesData, Field(discriminator="format")]


def has_extra(data: ShapesData | FileData) -> bool:
    """Whether a data set has unlabelled images apart from those it trains and is scored on."""
    if isinstance(data, CityscapesData):
        return data.extra
    return isinstance(data, CocoData) and data.unlabelled is not None


class LabelSettings(Settings):
    """Which training images keep their labels (sec. 4.1 of the paper)."""

    percent: float = Field(100.0, gt=0, le=100)
    """Percentage of the training images that are labelled; 0.4 is 0.4 %."""
    seed: int | None = None
    """Seed of the split; the run's own seed when None. One seed's splits are nested."""
    pool: Literal["all", "complement"] = "all"
    """Unlabelled pool: `all` training images (the public code) or the `complement` (the paper)."""
    extra: bool = True
    """Whether the data set's extra unlabelled images, where it has some, join the pool (in the
    paper on Cityscapes with 100 % of the labels only)."""
    file: str | None = None
    """A published split instead of a drawn one: lines of image names, or Unbiased Teacher's JSON,
    in which `percent` and `seed` select. Relative to the grid file; not read at 100 %. The list it
    gives is part of the identity, the path is not. See `label_list`."""
    sampler: Literal["auto", "uniform", "repeat-factor"] = "auto"
    """Sampling of labelled images. `auto` is the public code: uniform for supervised training,
    repeat-factor for a student; the paper does not mention it."""
    repeat_threshold: float = Field(10.0, gt=0)
    """t of the repeat factor sqrt(t / f), f the share of labelled images holding a class."""


class AugmentationSettings(Settings):
    """Weak and strong views (sec. 4.3, "Data augmentations")."""

    geometry: Literal["scale-jitter", "edge-crop", "resized-crop"] = "scale-jitter"
    """`scale-jitter`: large-scale jitter into a padded square (COCO); `edge-crop`: random short
    edge, then a crop (Cityscapes); `resized-crop`: a random crop resized to `crop`."""
    crop: tuple[int, int] = (1024, 1024)
    """Height and width of what the network sees in training, in pixels."""
    scale: tuple[float, float] = (0.1, 2.0)
    """`scale-jitter`: factor range to fit `crop`; `resized-crop`: range of the crop's side
    relative to the image's."""
    short_edges: tuple[int, ...] = tuple(int(102.4 * k) for k in range(5, 21))
    """`edge-crop`: short edges drawn from, in pixels."""
    max_edge: int = 4096
    """`edge-crop`: the long edge never exceeds this."""
    flip: float = Field(0.5, ge=0, le=1)
    """Probability of a horizontal flip."""
    empty_targets: Literal["none", "in-window", "all"] = "none"
    """Which instances without a pixel in a labelled view are targets all the same, with their label
    and an empty mask. `none`: no such instance. `in-window`: those that reach into the window and
    were shrunk to nothing (the public code on COCO, which drops what its crop has cut off as a
    polygon, before it is drawn). `all`: those wholly outside the window too (the public code on
    Cityscapes, which drops nothing). The paper does not say; the data sets' presets are the public
    code. Mask R-CNN, which needs boxes, takes `none` only."""
    colour_distortion: bool = False
    """SSD-style colour distortion in the weak view too (the public code on Cityscapes)."""
    strong: Literal["colour", "colour+cutout", "none"] = "colour"
    """The student's unlabelled view: colour jitter, grey and blur (`colour`, the paper's), with
    random erasing as Polite Teacher (`colour+cutout`), or the weak view itself (`none`), Fig. 6."""
    labelled_strong: float = Field(0.0, ge=0, le=1)
    """Probability that a labelled image gets the strong view too (0 in paper and code)."""
    copy_paste: float = Field(0.0, ge=0, le=1)
    """Probability that objects of another labelled image are pasted onto a labelled one (0 in paper
    and code), see `data.copy_paste`."""
    test_short_edge: int | None = 800
    """Short edge at test time, in pixels; None tests at the image's own size."""
    test_max_edge: int = 1333
    """Limit of the long edge at test time, in pixels."""
