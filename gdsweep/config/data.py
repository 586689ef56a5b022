"""Settings of what is read: data sets, label splits, augmentation."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gdsweep.config.base import Settings


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


class ImageSet(Settings):
    """One set of images and, except for an unlabelled pool, its COCO annotation file."""

    images: str
    """Folder of the images. `~` and `$VARIABLES` are expanded; relative to the data set's root."""
    annotations: str | None = None
    """COCO instances JSON, found as `images` is; only an `unlabelled` set may do without."""


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
        root, path = (os.path.expanduser(os.path.expandvars(p)) for p in (self.root, path))
        return Path(root) / path


DataSettings = Annotated[ShapesData | CocoData, Field(discriminator="format")]


class LabelSettings(Settings):
    """Which training images keep their labels (sec. 4.1 of the paper)."""

    percent: float = Field(100.0, gt=0, le=100)
    """Percentage of the training images that are labelled; 0.4 is 0.4 %."""
    seed: int | None = None
    """Seed of the split; the run's own seed when None. One seed's splits are nested."""
    pool: Literal["all", "complement"] = "all"
    """Unlabelled pool: `all` training images (the public code) or the `complement` (the paper)."""
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
    colour_distortion: bool = False
    """SSD-style colour distortion in the weak view too (the public code on Cityscapes)."""
    strong: Literal["colour", "colour+cutout", "none"] = "colour"
    """The student's unlabelled view: colour jitter, grey and blur (`colour`, the paper's), with
    random erasing as Polite Teacher (`colour+cutout`), or the weak view itself (`none`), Fig. 6."""
    labelled_strong: float = Field(0.0, ge=0, le=1)
    """Probability that a labelled image gets the strong view too (0 in paper and code)."""
    test_short_edge: int | None = 800
    """Short edge at test time, in pixels; None tests at the image's own size."""
    test_max_edge: int = 1333
    """Limit of the long edge at test time, in pixels."""
