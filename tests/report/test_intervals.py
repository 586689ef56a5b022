"""Intervals by hand, and that chance leaves them as often as they say."""

import math

import numpy as np
import pytest
from scipy import stats

from gdsweep.grid import Spread, spread_of
from gdsweep.report.intervals import (
    interval,
    interval_of_means,
    interval_of_pairs,
    pooled,
    student,
)
from gdsweep.report.verdicts import judge

PRIOR = Spread(squares=4 * 0.25, degrees=4)  # a standard deviation of 0.5


def test_students_quantiles_are_those_of_the_tables() -> None:
    assert student(0.975, 1) == pytest.approx(12.706, abs=1e-3)
    assert student(0.975, 4) == pytest.approx(2.776, abs=1e-3)


def test_a_single_run_beside_a_single_run_has_what_is_known_beforehand() -> None:
    found = interval_of_means(PRIOR, [20.0], [21.0])
    assert found is not None
    assert found.alone == pytest.approx(2.776 * 0.5 * math.sqrt(2), abs=1e-3)
    assert found.together == found.alone


def test_the_scatter_at_hand_is_pooled_with_it() -> None:
    # squares 1 + (2 + 0.5), degrees 4 + 2 + 1
    found = interval_of_means(PRIOR, [19.0, 20.0, 21.0], [30.0, 31.0])
    assert found is not None
    sd = math.sqrt((1 + 2.5) / 7)
    assert found.alone == pytest.approx(stats.t.ppf(0.975, 7) * sd * math.sqrt(1 / 3 + 1 / 2))


def test_pairs_have_their_own_scatter_and_twice_the_priors_variance() -> None:
    found = interval_of_pairs(PRIOR, [1.0, 3.0])
    assert found is not None
    assert found.alone == pytest.approx(stats.t.ppf(0.975, 5) * math.sqrt((2 + 2) / 5 / 2))


def test_a_scatter_that_the_prior_does_not_allow_counts_alone() -> None:
    """F at 0.95 with 2 and 4 degrees is 6.94: a ratio of variances of 6.8 is pooled, of 7.1 not."""
    little, much = Spread(2 * 0.25 * 6.8, 2), Spread(2 * 0.25 * 7.1, 2)
    assert pooled(PRIOR, little) == Spread(1 + little.squares, 6)
    assert pooled(PRIOR, much) == much
    assert pooled(PRIOR, Spread()) == PRIOR
    assert pooled(Spread(), Spread(1.0, 2)) == Spread(1.0, 2)


def test_nothing_known_is_no_interval() -> None:
    assert interval_of_means(Spread(), [20.0], [21.0]) is None
    assert interval_of_pairs(Spread(), [1.0]) is None
    assert interval_of_pairs(Spread(), [1.0, 2.0]) is not None


def test_many_comparisons_widen_the_second_width_alone() -> None:
    one, many = interval(PRIOR, 2), interval(PRIOR, 2, comparisons=40)
    assert one is not None
    assert many is not None
    assert many.alone == one.alone
    assert many.together / many.alone == pytest.approx(
        stats.t.ppf(1 - 0.025 / 40, 4) / stats.t.ppf(0.975, 4)
    )


@pytest.mark.parametrize(
    ("difference", "side"),
    [
        (0.0, "within"),
        (0.24, "within"),  # printed as 0.2
        (0.26, "above"),
        (-0.24, "within"),
        (-0.26, "below"),
    ],
)
def test_sides_at_the_printed_decimal(difference: float, side: str) -> None:
    found = interval(Spread(squares=0.0064, degrees=1), 0.04)  # 12.706 * 0.08 * 0.2 = 0.203
    assert found is not None
    assert found.side(difference) == side


def test_scatter_is_pooled_from_groups_and_single_values_say_nothing() -> None:
    assert spread_of([[1.0, 3.0], [10.0, 10.0, 13.0], [7.0]]) == Spread(2.0 + 6.0, 3)
    assert math.isnan(spread_of([[1.0]]).sd)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_honest_runs_leave_the_interval_as_often_as_it_says(seeds: int) -> None:
    """Equal means, a published run, and a standard deviation as uncertain as its estimate."""
    rng = np.random.default_rng(seeds)
    trials, degrees, sd = 4_000, 6, 1.2
    outside = 0
    for _ in range(trials):
        sigma = sd * math.sqrt(degrees / rng.chisquare(degrees))
        ours = list(rng.normal(30, sigma, seeds))
        prior = Spread(sd**2 * degrees, degrees)
        outside += judge(prior, ours, [rng.normal(30, sigma)]).verdict != "within"
    # three standard errors of a rate of 0.05; the F test takes up to 0.005 of it
    assert 0.034 < outside / trials < 0.061
