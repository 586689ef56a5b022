"""Is a number the paper's? Ours minus published, against what chance would do to both.

The published value is a mean too: of the one run that a printed number usually is, or of the
differing values that the paper prints for one quantity.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gdsweep.grid import Spread, spread_of
from gdsweep.report.intervals import Interval, interval, pooled

Verdict = Literal["within", "below", "above", "open"]
"""Where our mean lies of the interval around the published value. `open`: a single seed, and
nothing is known of the noise on its data set."""


@dataclass(frozen=True)
class Judged:
    """A published value beside the mean of ours."""

    verdict: Verdict
    """Where our mean lies of the interval for this number alone."""
    interval: Interval | None = None
    """Half-widths of the interval, in points of AP; None of an open verdict."""


def judge(
    prior: Spread, ours: Sequence[float], published: Sequence[float], comparisons: int = 1
) -> Judged:
    """The verdict on the mean of `ours`, one a seed, beside that of the `published` values.

    `prior` is what is known of the noise on the data set (see `Claims.spread`); differing published
    values are in it already. Judged at the one decimal that papers and tables print.
    """
    share = 1 / len(ours) + 1 / len(published)
    known = interval(pooled(prior, spread_of([ours])), share, comparisons)
    if known is None:
        return Judged("open")
    return Judged(known.side(statistics.fmean(ours) - statistics.fmean(published)), known)
