"""What a paper's table says beyond its numbers: which is better than which, and how noisy they are.

A file of published values states both beside the numbers:

    noise:
      coco: {band: 0.2, rule: fixed, because: reruns differ by that much}
    orderings:
      - axes: {dataset: cityscapes}
        axis: method
        best_first: [guided, [standard-burn-in, fixed-teacher], supervised]
        says: sec. 4.3
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from gdsweep.config import Settings
from gdsweep.grid.assignments import Scalar
from gdsweep.grid.names import canonical, find, unknown
from gdsweep.grid.yaml_lines import Document, KeyPath, plain


class Noise(Settings):
    """How far a faithful reproduction may be from the published value."""

    band: float = Field(gt=0)
    """Half-width, in points of AP; with `rule: seeds` that of a single seed."""
    rule: Literal["fixed", "seeds"] = "seeds"
    """`fixed`: `band`, however many seeds. `seeds`: two standard errors of our mean over seeds, at
    least 0.2; `band` where there is one seed only."""
    because: str
    """Where `band` comes from."""


class OrderingEntry(Settings):
    """An ordering as a file of published values states it."""

    axes: dict[str, Any] = Field(default_factory=dict)
    """Axis to value: where it is claimed; everywhere if empty."""
    axis: str
    """The axis whose values are ordered."""
    best_first: list[Any]
    """Its values, the best first; a list in it stands for values that are not ordered."""
    says: str | None = None
    """Where the paper says so."""


@dataclass(frozen=True)
class Ordering:
    """A claim that some values of an axis give a higher AP than others."""

    axes: dict[str, Scalar]
    """Canonical axis name to value: where it is claimed."""
    axis: str
    """The axis that is ordered."""
    ranks: tuple[tuple[Scalar, ...], ...]
    """Its values, the best first; those of one rank are not ordered."""
    says: str
    """Where the paper says so; empty where the file does not tell."""


@dataclass(frozen=True)
class Claims:
    """What a file of published values states beside the numbers."""

    orderings: tuple[Ordering, ...] = ()
    noise: dict[str, Noise] = field(default_factory=dict)
    """Data set to its noise; absent where the file does not tell."""


def read_ordering(document: Document, path: KeyPath, entry: OrderingEntry) -> Ordering:
    """One ordering. Raises BadInput with file and line."""
    axes = read_axes(document, (*path, "axes"), entry.axes)
    axis = _axis(document, (*path, "axis"), entry.axis)
    here = (*path, "best_first")
    ranks = tuple(tuple(rank) if isinstance(rank, list) else (rank,) for rank in entry.best_first)
    values = [value for rank in ranks for value in rank]
    for value in values:
        if not isinstance(value, Scalar):
            document.fail(here, f"{plain(value)} is not a single value")
    if len(ranks) < 2 or len(set(values)) < len(values) or not all(ranks):
        document.fail(here, "must order two different values at least, each given once")
    return Ordering(axes, axis, ranks, entry.says or "")


def read_axes(document: Document, path: KeyPath, entries: dict[str, Any]) -> dict[str, Scalar]:
    """Axis to single value, under canonical names. Raises BadInput with file and line."""
    found: dict[str, Scalar] = {}
    for key, value in entries.items():
        name = _axis(document, (*path, key), key)
        if not isinstance(value, Scalar):
            document.fail((*path, key), f"{plain(value)} is not a single value")
        found[name] = value
    return found


def _axis(document: Document, path: KeyPath, name: str) -> str:
    target = find(name)
    if target is None:
        document.fail(path, unknown(name, "axis"))
    return canonical(target)
