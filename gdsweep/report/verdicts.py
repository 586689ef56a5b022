"""Is a number the paper's? Ours minus published, against a noise band that states its reason."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gdsweep.grid import Noise

Verdict = Literal["within", "below", "above"]
"""Where ours lies of the band around the published value."""

LEAST = 0.2
"""No band is narrower, in points of AP: Mask2Former's own reruns on COCO differ by as much."""

COCO = Noise(
    band=0.2,
    rule="fixed",
    because="reruns of Mask2Former R50 gave 43.2 to 43.5 for a published 43.7 (its issue 46)",
)
OTHERS = Noise(
    band=1.0,
    rule="seeds",
    because="a single run on a small data set varies by about a point (Mask2Former's issue 5 on "
    "Cityscapes: very large variance, medians of 3 runs)",
)


@dataclass(frozen=True)
class Judged:
    """A published value beside the mean of ours."""

    band: float
    """Half-width of the band, in points of AP."""
    verdict: Verdict
    """Where our mean lies."""


def noise_of(dataset: str, stated: dict[str, Noise]) -> Noise:
    """The noise of a data set: as the file of published values states it, else the usual one."""
    return stated.get(dataset) or (COCO if dataset == "coco" else OTHERS)


def band(noise: Noise, values: Sequence[float]) -> float:
    """Half-width of the band for the mean of `values`, one a seed, in points of AP."""
    if noise.rule == "fixed" or len(values) < 2:
        return noise.band
    return max(2 * statistics.stdev(values) / math.sqrt(len(values)), LEAST)


def judge(noise: Noise, values: Sequence[float], published: float) -> Judged:
    """The verdict on the mean of `values`, one a seed, at least one.

    Judged at the one decimal that papers and tables print, the published value's own precision.
    """
    half = band(noise, values)
    delta = statistics.fmean(values) - published
    if round(abs(delta), 1) <= round(half, 1):
        return Judged(half, "within")
    return Judged(half, "below" if delta < 0 else "above")


def explain(dataset: str, noise: Noise) -> str:
    """The band of a data set in one phrase, with its reason."""
    if noise.rule == "fixed":
        return f"{dataset} ±{noise.band:g} AP ({noise.because})"
    return (
        f"{dataset} ± two standard errors of our mean over seeds, at least {LEAST:g}; "
        f"±{noise.band:g} with a single seed ({noise.because})"
    )
