"""Noise between honest runs of one cell, as far as printed numbers tell it.

Runs of equal settings that differ in nothing but chance have a standard deviation. What is known of
it before one of ours has run are numbers of the same quantity that several runs, or several people,
have printed:

    noise:
      coco: {repeats: [[43.7, 43.5, 43.2], [46.7, 46.8]], because: reruns of Mask2Former}
      mine: {sd: 0.8, degrees: 4, because: five runs of the baseline}
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field

from gdsweep.config import Settings


@dataclass(frozen=True)
class Spread:
    """Estimate of the standard deviation between runs, pooled from groups of equal settings."""

    squares: float = 0.0
    """Sum of the squared deviations of each group's values from its mean, in squared points."""
    degrees: int = 0
    """Degrees of freedom: the number of values minus the number of groups."""

    def __add__(self, other: "Spread") -> "Spread":
        """Both estimates pooled."""
        return Spread(self.squares + other.squares, self.degrees + other.degrees)

    def scaled(self, factor: float) -> "Spread":
        """The estimate of a variance `factor` times as large."""
        return Spread(self.squares * factor, self.degrees)

    @property
    def sd(self) -> float:
        """The standard deviation in points; NaN where nothing is known."""
        return math.sqrt(self.squares / self.degrees) if self.degrees else math.nan


def spread_of(groups: Iterable[Sequence[float]]) -> Spread:
    """What groups of values, each of equal settings, say of the noise; one alone says nothing."""
    known = [group for group in groups if len(group) > 1]
    squares = sum(statistics.variance(group) * (len(group) - 1) for group in known)
    return Spread(float(squares), sum(len(group) - 1 for group in known))


class Noise(Settings):
    """What is known of the noise between runs on a data set before one of ours has run."""

    repeats: list[list[float]] = Field(default_factory=list)
    """Numbers of one quantity each, from different runs, in points of AP."""
    sd: float | None = Field(default=None, gt=0)
    """Instead of `repeats`: a standard deviation between runs, in points of AP."""
    degrees: int | None = Field(default=None, ge=1)
    """With `sd`: its degrees of freedom, one less than the number of runs it is of."""
    because: str
    """Where the numbers are from."""

    @property
    def spread(self) -> Spread:
        """The estimate that these numbers give."""
        if self.sd is not None and self.degrees is not None:
            return Spread(self.sd**2 * self.degrees, self.degrees)
        return spread_of(self.repeats)


def noise_fault(noise: Noise) -> str | None:
    """Why an entry tells no noise; None where it does."""
    stated = (noise.sd is not None, noise.degrees is not None)
    if bool(noise.repeats) == any(stated) or any(stated) != all(stated):
        return "must have repeats, or sd and degrees"
    if noise.repeats and not noise.spread.squares:
        return "repeats must hold a quantity with two differing numbers"
    return None


USUAL = {
    "coco": Noise(
        repeats=[
            [43.7, 43.5, 43.2, 43.3, 43.5],  # R50: its zoo, three reruns (issue 46), Table 3b
            [46.7, 46.8],  # Swin-B, IN-1k: its zoo, Table 6
            [48.1, 48.2],  # Swin-B, IN-21k: its zoo, Table 6
            [50.1, 50.0],  # Swin-L: its zoo, Table 3b
            [46.1, 45.7],  # MaskDINO R50: its authors, a rerun of their code (issue 87)
            [35.1, 34.8],  # Mask R-CNN R50 from MoCo: its authors, a rerun (issue 39)
        ],
        because="one configuration by different people: Mask2Former with four backbones, MaskDINO, "
        "Mask R-CNN",
    ),
    "cityscapes": Noise(
        repeats=[
            [37.4, 36.6, 33.8],  # R50: its zoo (median of 3), Table 3a, a rerun (issue 202)
            [43.7, 43.5],  # Swin-L: its zoo, Table 3a
            [36.4, 36.5, 35.0],  # Mask R-CNN R50 from COCO: paper, detectron2, maskrcnn-benchmark
            [31.5, 31.6],  # Mask R-CNN R50: paper, a rerun (maskrcnn-benchmark's issue 259)
        ],
        because="one configuration by different people: Mask2Former with two backbones, Mask R-CNN",
    ),
}
"""Data sets of which public numbers tell the noise. A file of published values may state others."""
