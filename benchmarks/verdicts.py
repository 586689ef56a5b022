"""How often the verdicts are wrong, and how often they find what is there: simulated.

python benchmarks/verdicts.py [TRIALS]

Runs are normal around their true mean; the verdicts are given by the functions that tables and
`collect.py --check` use. `as known`: each cell's standard deviation between runs is drawn as what
is known of it beforehand leaves it uncertain; `half`, `equal`, `double` and `six times` are that of
the estimate, fixed. Published values are one run, printed to one decimal.
"""

import math
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gdsweep.grid import Spread
from gdsweep.grid.published import read_claims
from gdsweep.report.intervals import interval_of_pairs
from gdsweep.report.verdicts import judge

PAPER = Path(__file__).parents[1] / "grids" / "paper" / "table3.yaml"
KNOWN = {name: read_claims(PAPER).spread(name) for name in ("coco", "cityscapes")}
"""What is known of the noise beforehand, in Table 3."""

SEEDS = (1, 2, 3, 5)
RATIOS = {"half": 0.5, "equal": 1.0, "double": 2.0, "six times": 6.0}
TABLE_4 = (23.0, 19.3, 18.9, 16.9, 12.1)
"""Published, best first."""

Sampler = Callable[[], float]
"""Draws the true standard deviation of one cell."""


def main(trials: int = 10_000) -> None:
    """Print all rates, in percent."""
    rng = np.random.default_rng(0)
    print(f"{trials:,} trials each; rates in %; standard error at 5 %: "
          f"{100 * math.sqrt(0.05 * 0.95 / trials):.1f}")  # fmt: skip
    honest(rng, trials)
    lost(rng, trials)
    tables(rng, trials // 10)
    claims(rng, trials // 5)


def honest(rng: np.random.Generator, trials: int) -> None:
    """Numbers with the published mean that are called below or above."""
    heading("An honest number is called below or above")
    for name, spread in KNOWN.items():
        for scatter, sampler in samplers(rng, spread):
            rates = [
                rate(trials, lambda: outside(rng, spread, sampler(), n))  # noqa: B023
                for n in SEEDS
            ]
            line(f"{name} ±{spread.sd:.1f}, {scatter}", rates)
    rates = [rate(trials, lambda: outside(rng, Spread(), 1.0, n)) for n in SEEDS[1:]]  # noqa: B023
    line("nothing known beforehand", [None, *rates])
    rates = [rate(trials, lambda: two_errors(rng, n)) for n in SEEDS[1:]]  # noqa: B023
    line("two standard errors of ours, published exact", [None, *rates])


def lost(rng: np.random.Generator, trials: int) -> None:
    """Numbers whose mean is lower than the published one that are called below."""
    heading("A number that is lower by so many points is called below")
    for name, points in (("coco", (0.5, 1, 2)), ("cityscapes", (2, 4, 8))):
        spread = KNOWN[name]
        _, sampler = next(samplers(rng, spread))
        for by in points:
            rates = [
                rate(trials, lambda: outside(rng, spread, sampler(), n, -by))  # noqa: B023
                for n in SEEDS
            ]
            line(f"{name}, by {by:g}", rates)


def tables(rng: np.random.Generator, trials: int) -> None:
    """Tables of 40 numbers with a verdict each, and with a miss of `--check`."""
    heading("A table of 40 numbers")
    for name, by in (("coco", 2), ("cityscapes", 8)):
        spread = KNOWN[name]
        _, sampler = next(samplers(rng, spread))
        alone, check, found = [], [], []
        for n in SEEDS:
            results = [table(rng, spread, sampler, n) for _ in range(trials)]
            alone.append(100 * statistics.fmean(one for one, _ in results))
            check.append(100 * statistics.fmean(any_ for _, any_ in results))
            lower = [missed(rng, spread, sampler(), n, -by) for _ in range(trials * 5)]
            found.append(100 * statistics.fmean(lower))
        line(f"{name}, honest: one is called below", alone)
        line(f"{name}, honest: --check misses", check)
        line(f"{name}, one lower by {by}: --check misses it", found)


def claims(rng: np.random.Generator, trials: int) -> None:
    """Table 4's ten pairs on Cityscapes, and paired differences of seeds that share noise."""
    heading("Table 4's claim: ten pairs on Cityscapes")
    spread = KNOWN["cityscapes"]
    _, sampler = next(samplers(rng, spread))
    orders = {
        "five equal methods": (18.0,) * 5,
        "the published order": TABLE_4,
        "the reversed order": TABLE_4[::-1],
    }
    for name, means in orders.items():
        alone, check = [], []
        for n in SEEDS:
            results = [ordering(rng, spread, sampler(), means, n) for _ in range(trials)]
            alone.append(100 * statistics.fmean(one for one, _ in results))
            check.append(100 * statistics.fmean(missed for _, missed in results))
        line(f"{name}: a pair fails", alone)
        line(f"{name}: --check misses", check)
    heading("A paired difference that is none has an interval without zero")
    rates = [rate(trials * 5, lambda: differs(rng, n)) for n in SEEDS[1:]]  # noqa: B023
    line("nothing known, seeds shared by both", [None, *rates])


def samplers(rng: np.random.Generator, spread: Spread) -> Iterator[tuple[str, Sampler]]:
    """True standard deviations, by what is assumed of them; `as known` first."""

    def as_known() -> float:
        return spread.sd * math.sqrt(spread.degrees / rng.chisquare(spread.degrees))

    yield "as known", as_known
    for name, ratio in RATIOS.items():
        yield name, lambda ratio=ratio: ratio * spread.sd  # type: ignore[misc]


def verdict(
    rng: np.random.Generator, spread: Spread, sd: float, seeds: int, shift: float, numbers: int
) -> tuple[bool, bool, bool]:
    """Whether a number is outside, whether it is below, and whether `--check` misses it."""
    ours = list(rng.normal(30 + shift, sd, seeds))
    published = round(rng.normal(30, sd), 1)
    found = judge(spread, ours, [published], numbers)
    assert found.interval is not None
    together = found.interval.side_together(statistics.fmean(ours) - published)
    return found.verdict != "within", found.verdict == "below", together == "below"


def outside(
    rng: np.random.Generator, spread: Spread, sd: float, seeds: int, shift: float = 0.0
) -> bool:
    """Whether a number is outside its own interval; below it, where it is shifted."""
    out, below, _ = verdict(rng, spread, sd, seeds, shift, 1)
    return below if shift else out


def missed(
    rng: np.random.Generator, spread: Spread, sd: float, seeds: int, shift: float = 0.0
) -> bool:
    """Whether `--check` misses a number of a table of 40."""
    return verdict(rng, spread, sd, seeds, shift, 40)[2]


def table(
    rng: np.random.Generator, spread: Spread, sampler: Sampler, seeds: int
) -> tuple[bool, bool]:
    """Whether one of 40 honest numbers is called below, and whether `--check` misses one."""
    found = [verdict(rng, spread, sampler(), seeds, 0.0, 40) for _ in range(40)]
    return any(below for _, below, _ in found), any(miss for *_, miss in found)


def two_errors(rng: np.random.Generator, seeds: int) -> bool:
    """The rule that takes the published value for exact and knows no Student's t."""
    ours = list(rng.normal(0, 1, seeds))
    half = 2 * statistics.stdev(ours) / math.sqrt(seeds)
    return abs(statistics.fmean(ours) - rng.normal(0, 1)) > half


def ordering(
    rng: np.random.Generator, spread: Spread, sd: float, means: tuple[float, ...], seeds: int
) -> tuple[bool, bool]:
    """Whether a pair of the claim fails, and whether `--check` misses one."""
    runs = [rng.normal(mean, sd, seeds) for mean in means]
    pairs = [(i, j) for i in range(len(runs)) for j in range(i + 1, len(runs))]
    fails, misses = False, False
    for better, worse in pairs:
        ahead = list(runs[better] - runs[worse])
        interval = interval_of_pairs(spread, ahead, len(pairs))
        assert interval is not None
        fails |= interval.side(statistics.fmean(ahead)) == "below"
        misses |= interval.side_together(statistics.fmean(ahead)) == "below"
    return fails, misses


def differs(rng: np.random.Generator, seeds: int) -> bool:
    """Whether a mean of differences is outside, where the label split moves both sides alike."""
    split = rng.normal(0, 5, seeds)
    one, other = split + rng.normal(0, 1, seeds), split + rng.normal(0, 1, seeds)
    interval = interval_of_pairs(Spread(), list(one - other))
    assert interval is not None
    return interval.side(float(np.mean(one - other))) != "within"


def rate(trials: int, happens: Callable[[], bool]) -> float:
    """How often it happens, in percent."""
    return 100 * statistics.fmean(happens() for _ in range(trials))


def heading(text: str) -> None:
    """A line of what follows, over the numbers of seeds."""
    print(f"\n{text:<58}" + "".join(f"{n:>6}" for n in SEEDS) + " seeds")


def line(name: str, rates: list[float | None]) -> None:
    """One line of rates."""
    print(f"  {name:<56}" + "".join(f"{'-' if r is None else f'{r:.1f}':>6}" for r in rates))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
