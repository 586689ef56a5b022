"""What a paper's table says beyond its numbers: which cells are better than which.

A file of published values states it beside the numbers:

    orderings:
      - axes: {dataset: cityscapes}
        axis: method
        best_first: [guided, [standard-burn-in, fixed-teacher], supervised]
        says: sec. 4.3
      - axis: "method, lambda_u" # a joint axis, as in a grid: a row is one value
        best_first: [[guided, 2], [[guided, 0.1], [guided, 5]], [supervised, 0]]
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from gdsweep.config import Settings
from gdsweep.grid.assignments import Scalar
from gdsweep.grid.names import canonical, find, unknown
from gdsweep.grid.noise import USUAL, Noise, Spread
from gdsweep.grid.yaml_lines import Document, KeyPath, plain

Value = tuple[Scalar, ...]
"""A value of an ordered axis: one entry for each axis that is joined in it."""


class OrderingEntry(Settings):
    """An ordering as a file of published values states it."""

    axes: dict[str, Any] = Field(default_factory=dict)
    """Axis to value: where it is claimed; everywhere if empty."""
    axis: str
    """The axis whose values are ordered, or several, joined by commas."""
    best_first: list[Any]
    """Its values, the best first; a list of values stands for some that are not ordered."""
    says: str | None = None
    """Where the paper says so."""


@dataclass(frozen=True)
class Ordering:
    """A claim that some values of an axis, or of joint axes, give a higher AP than others."""

    axes: dict[str, Scalar]
    """Canonical axis name to value: where it is claimed."""
    ordered: tuple[str, ...]
    """The axis that is ordered, or those that are jointly."""
    ranks: tuple[tuple[Value, ...], ...]
    """Its values, the best first; those of one rank are not ordered."""
    says: str
    """Where the paper says so; empty where the file does not tell."""

    def pairs(self) -> Iterator[tuple[Value, Value]]:
        """Every two values of different ranks, the better one first."""
        for place, rank in enumerate(self.ranks):
            for below in self.ranks[place + 1 :]:
                yield from ((better, worse) for better in rank for worse in below)


@dataclass(frozen=True)
class Claims:
    """What a file of published values states beside the numbers."""

    orderings: tuple[Ordering, ...] = ()
    noise: dict[str, Noise] = field(default_factory=dict)
    """Data set to its noise, where the file states it."""
    repeats: dict[tuple[str, str], Spread] = field(default_factory=dict)
    """Data set and metric to what quantities say that the paper prints twice, with differing
    values."""

    def spread(self, dataset: str, metric: str = "AP") -> Spread:
        """What is known of the noise between runs on a data set before one of ours has run.

        What is known of the usual data sets, or stated, is of AP; in other metrics only what is
        printed twice tells any.
        """
        known = self._known(dataset, metric)
        return (known.spread if known else Spread()) + self.repeats.get((dataset, metric), Spread())

    def noise_source(self, dataset: str, metric: str = "AP") -> str:
        """Where `spread` is from, in a phrase; empty where nothing is known."""
        known = self._known(dataset, metric)
        sources = [known.because] if known else []
        sources += ["what the paper prints twice"] if (dataset, metric) in self.repeats else []
        return "; ".join(sources)

    def _known(self, dataset: str, metric: str) -> Noise | None:
        return self.noise.get(dataset) or USUAL.get(dataset) if metric == "AP" else None


def read_ordering(document: Document, path: KeyPath, entry: OrderingEntry) -> Ordering:
    """One ordering. Raises BadInput with file and line."""
    axes = read_axes(document, (*path, "axes"), entry.axes)
    ordered = tuple(_axis(document, (*path, "axis"), name) for name in _joined(entry.axis))
    here = (*path, "best_first")
    ranks = tuple(_rank(document, here, rank, entry.axis) for rank in entry.best_first)
    values = [value for rank in ranks for value in rank]
    if len(ranks) < 2 or len(set(values)) < len(values) or not all(ranks):
        document.fail(here, "must order two different values at least, each given once")
    return Ordering(axes, ordered, ranks, entry.says or "")


def read_axes(document: Document, path: KeyPath, entries: dict[str, Any]) -> dict[str, Scalar]:
    """Axis to single value, under canonical names. Raises BadInput with file and line."""
    found: dict[str, Scalar] = {}
    for key, value in entries.items():
        name = _axis(document, (*path, key), key)
        if not isinstance(value, Scalar):
            document.fail((*path, key), f"{plain(value)} is not a single value")
        found[name] = value
    return found


def _rank(document: Document, path: KeyPath, rank: Any, axis: str) -> tuple[Value, ...]:
    """Values of one rank: a single one, or a list of those that are not ordered."""
    joint = len(_joined(axis)) > 1
    several = isinstance(rank, list) and (not joint or any(isinstance(v, list) for v in rank))
    return tuple(_value(document, path, value, axis) for value in (rank if several else [rank]))


def _value(document: Document, path: KeyPath, value: Any, axis: str) -> Value:
    names = _joined(axis)
    row = value if len(names) > 1 else [value]
    if not isinstance(row, list) or len(row) != len(names):
        document.fail(path, f"{plain(value)} is no row of {len(names)} values ({axis})")
    for single in row:
        if not isinstance(single, Scalar):
            document.fail(path, f"{plain(single)} is not a single value")
    return tuple(row)


def _joined(axis: str) -> list[str]:
    return [name.strip() for name in axis.split(",")]


def _axis(document: Document, path: KeyPath, name: str) -> str:
    target = find(name)
    if target is None:
        document.fail(path, unknown(name, "axis"))
    return canonical(target)
