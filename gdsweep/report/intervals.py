"""How far a difference of two means may be from zero by chance: one procedure for every verdict.

Runs of equal settings scatter normally with a standard deviation that is estimated, not known. The
estimate pools what is known beforehand (`grid.noise`) with the scatter of the runs at hand, unless
these scatter by far more; the difference is compared with Student's t at its degrees of freedom. If
two means are equal and the estimate is right, their difference leaves the interval in one of twenty
cases; of all the intervals that are widened for one another (`together`), any does in at most one
of twenty (Bonferroni). `benchmarks/verdicts.py` simulates both rates; docs/verdicts.md has them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from gdsweep.grid import Spread, spread_of

ALPHA = 0.05
"""How often an interval misses by chance alone."""

Side = Literal["within", "below", "above"]
"""Where a difference lies: inside its interval around zero, or on which side of it."""


@dataclass(frozen=True)
class Interval:
    """Half-widths, in points, of the interval around zero that a difference is compared with."""

    alone: float
    """For this difference alone."""
    together: float
    """So wide that it holds for this one and all others that it was made for at once."""

    def side(self, difference: float) -> Side:
        """Where a difference lies of the interval for it alone."""
        return _side(difference, self.alone)

    def side_together(self, difference: float) -> Side:
        """Where it lies of the wide interval."""
        return _side(difference, self.together)


def pooled(prior: Spread, own: Spread) -> Spread:
    """What is known beforehand and what the runs at hand say, together.

    Where these scatter more than the prior allows (an F test at `ALPHA`), it is not of them, and
    they count alone.
    """
    if prior.degrees and own.degrees:
        most = prior.sd * math.sqrt(fisher(1 - ALPHA, own.degrees, prior.degrees))
        if own.sd > most:
            return own
    return prior + own


def interval(spread: Spread, share: float, comparisons: int = 1) -> Interval | None:
    """The interval of a difference whose variance is `share` times that of one run.

    A mean of n runs beside one of m has the share 1/n + 1/m. `comparisons` is how many differences
    the wide half-width is for. None where nothing is known of the scatter.
    """
    if spread.degrees == 0:
        return None
    sd = spread.sd * math.sqrt(share)
    return Interval(
        sd * student(1 - ALPHA / 2, spread.degrees),
        sd * student(1 - ALPHA / 2 / max(comparisons, 1), spread.degrees),
    )


def interval_of_means(
    prior: Spread, ours: Sequence[float], theirs: Sequence[float], comparisons: int = 1
) -> Interval | None:
    """The interval of the difference of two means over unpaired runs of equal scatter."""
    known = pooled(prior, spread_of([ours, theirs]))
    return interval(known, 1 / len(ours) + 1 / len(theirs), comparisons)


def interval_of_pairs(
    prior: Spread, differences: Sequence[float], comparisons: int = 1
) -> Interval | None:
    """The interval of a mean of paired differences, one a seed.

    A difference of two runs has twice the variance of one, and less where the two share what their
    seed decides: the scatter of the pairs at hand tells how much.
    """
    known = pooled(prior.scaled(2), spread_of([differences]))
    return interval(known, 1 / len(differences), comparisons)


@cache
def student(probability: float, degrees: int) -> float:
    """Quantile of Student's t distribution."""
    from scipy.special import stdtrit  # here, because half of the report never asks

    return float(stdtrit(degrees, probability))


@cache
def fisher(probability: float, degrees: int, others: int) -> float:
    """Quantile of the F distribution of a ratio of two variances with these degrees of freedom."""
    from scipy.special import fdtri

    return float(fdtri(degrees, others, probability))


def _side(difference: float, half: float) -> Side:
    # at the one decimal that papers and tables print
    if round(abs(difference), 1) <= round(half, 1):
        return "within"
    return "below" if difference < 0 else "above"
