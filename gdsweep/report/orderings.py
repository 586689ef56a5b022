"""What the paper claims to be better than what, checked on our numbers."""

import itertools
import math
import statistics
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from gdsweep.config import METRICS
from gdsweep.grid import Grid, Ordering
from gdsweep.report.display import display_name, number
from gdsweep.report.entries import Record
from gdsweep.report.verdicts import band, noise_of

Outcome = Literal["holds", "tie", "fails", "open", "absent"]
"""`tie`: the two differ by less than the noise of their difference. `open`: it cannot be checked,
for the reason given. `absent`: the grid has no two of its values to compare."""

WORST: tuple[Outcome, ...] = ("fails", "tie", "holds")


@dataclass(frozen=True)
class Checked:
    """One claimed ordering at one place of the grid."""

    outcome: Outcome
    """What our numbers say."""
    text: str
    """`coco 1 %: Ours 22.0 > Mask2Former 14.0`, and why where it is open."""
    begun: bool = True
    """Whether any of its numbers is there."""


@dataclass(frozen=True)
class Side:
    """One value of the ordered axis with our number."""

    name: str
    mean: float | None
    noise: float
    why: str


def check_orderings(frame: pd.DataFrame, grid: Grid) -> list[Checked]:
    """Every claimed ordering, at every place of the grid where two of its values have a cell.

    Means over the averaged axes are compared, each value with those of the next rank below that
    has a number. The noise of a difference is the root of the sum of both squared bands (see
    `verdicts`). `frame` is the grid's results.
    """
    if "AP" not in grid.table.metrics:
        return []
    return [found for ordering in grid.claims.orderings for found in _check(ordering, frame, grid)]


def _check(ordering: Ordering, frame: pd.DataFrame, grid: Grid) -> list[Checked]:
    values = [value for rank in ordering.ranks for value in rank]
    places: dict[tuple[Any, ...], dict[Any, list[Record]]] = {}
    free = [a for a in grid.axes if a != ordering.axis and a not in grid.table.average]
    for cell, record in zip(grid.cells, frame.to_dict("records"), strict=True):
        inside = all(cell.coordinates.get(a) == v for a, v in ordering.axes.items())
        value = cell.coordinates.get(ordering.axis)
        if inside and value in values:
            where = tuple(cell.axes[axis] for axis in free)
            places.setdefault(where, {}).setdefault(value, []).append(record | {"cell": cell})
    found = [
        _compare(ordering, _name(free, where, grid), members, grid)
        for where, members in places.items()
        if len(members) > 1
    ]
    if found:
        return found
    said = " > ".join(_rank_name(ordering, rank, grid) for rank in ordering.ranks)
    return [Checked("absent", f"{said}{_source(ordering)}: the grid has no two of these", False)]


def _compare(
    ordering: Ordering, where: str, members: dict[Any, list[Record]], grid: Grid
) -> Checked:
    ranks = [
        [_side(ordering, value, members[value], grid) for value in rank if value in members]
        for rank in ordering.ranks
    ]
    ranks = [rank for rank in ranks if rank]
    known = [[side for side in rank if side.mean is not None] for rank in ranks]
    known = [rank for rank in known if rank]
    outcomes = [
        _outcome(above, below)
        for upper, lower in itertools.pairwise(known)
        for above in upper
        for below in lower
    ]
    said = " > ".join(" / ".join(_said(side) for side in rank) for rank in ranks)
    head = f"{where}: {said}" if where else said
    lacking = [f"{side.name}: {side.why}" for rank in ranks for side in rank if side.mean is None]
    reason = f" ({'; '.join(lacking)})" if lacking else ""
    text = f"{head}{_source(ordering)}{reason}"
    if not outcomes:
        return Checked("open", text, begun=bool(known))
    return Checked(next(outcome for outcome in WORST if outcome in outcomes), text)


def _side(ordering: Ordering, value: Any, records: list[Record], grid: Grid) -> Side:
    name = display_name(ordering.axis, value, grid.table.names)
    values = [r["AP"] for r in records if r["status"] == "done" and not math.isnan(r["AP"])]
    noise = noise_of(records[0]["cell"].settings.dataset.name, grid.claims.noise)
    if not values:
        status = next((r["status"] for r in records if r["status"] != "done"), "without objects")
        return Side(
            name, None, 0.0, {"new": "missing", "damaged": "unreadable"}.get(status, status)
        )
    return Side(name, statistics.fmean(values), band(noise, values), "")


def _outcome(above: Side, below: Side) -> Outcome:
    assert above.mean is not None
    assert below.mean is not None
    ahead = above.mean - below.mean
    if abs(ahead) <= math.hypot(above.noise, below.noise) + 1e-6:
        return "tie"
    return "holds" if ahead > 0 else "fails"


def _said(side: Side) -> str:
    return side.name if side.mean is None else f"{side.name} {number(side.mean)}"


def _rank_name(ordering: Ordering, rank: tuple[Any, ...], grid: Grid) -> str:
    return " / ".join(display_name(ordering.axis, value, grid.table.names) for value in rank)


def _source(ordering: Ordering) -> str:
    return f" [{ordering.says}]" if ordering.says else ""


def _name(axes: list[str], where: tuple[Any, ...], grid: Grid) -> str:
    varied = [
        (axis, value)
        for axis, value in zip(axes, where, strict=True)
        if len(grid.axes[axis]) > 1 or axis == "labels"
    ]
    return " ".join(
        filter(None, (display_name(axis, value, grid.table.names) for axis, value in varied))
    )


def legend() -> str:
    """How to read the outcomes."""
    return (
        f"Orderings the paper claims, on our {METRICS['AP'].words}: a tie is a difference below "
        "the noise of both, an open one lacks a number."
    )
