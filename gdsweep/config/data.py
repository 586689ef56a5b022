"""Settings of what is seen: label splits and augmentation. Data sets: see `formats`."""

from typing import Literal

from pydantic import Field

from gdsweep.config.base import Settings


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
