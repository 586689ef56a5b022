"""What a person says of an import of images and masks."""

from dataclasses import dataclass
from typing import Literal

from gdsweep.config import Scaling
from gdsweep.data.mask_files import Pages


@dataclass(frozen=True)
class ImportSettings:
    """How images and masks become a data set."""

    category: str = "object"
    """Name of the one class."""
    tile: int | None = None
    """Longest side of a tile, in pixels; None leaves images whole."""
    least: int = 16
    """Pixels below which the part of an object that a tile's border cuts is dropped."""
    val: float = 0.15
    """Fraction of the training images that becomes validation images."""
    test: float = 0.15
    """Fraction of the training images that becomes test images."""
    seed: int = 0
    """Of the draw."""
    group: str | None = None
    """Regular expression; images whose names have the same match are on one side."""
    pages: Pages = None
    """What becomes of stacks."""
    scaling: Scaling | Literal["data-set"] = "percentile"
    """How more than 8 bits become 8; `data-set` takes the lowest and highest percentiles of all
    training images."""
