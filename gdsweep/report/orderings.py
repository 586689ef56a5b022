"""What the paper claims to be better than what, checked on our numbers, pair by pair."""

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from gdsweep.config import METRICS
from gdsweep.grid import Grid, Ordering
from gdsweep.grid.claims import Value
from gdsweep.report.display import display_name, number, signed
from gdsweep.report.entries import Record, is_measured
from gdsweep.report.intervals import Interval, interval_of_pairs

PairOutcome = Literal["holds", "tie", "fails", "open"]
"""`tie`: the two differ by less than chance may make them. `open`: a number is missing, or nothing
is known of the noise."""

Outcome = Literal["holds", "partly", "tie", "fails", "open", "absent"]
"""`holds`: in every pair that has its numbers; `fails`: in one at least our numbers say the
opposite; `tie`: all pairs are ties; `partly`: some hold, the others are ties; `open`: no pair can
be checked; `absent`: the grid has no two cells to compare."""


@dataclass(frozen=True)
class PairChecked:
    """Two values of which the first is claimed to be better."""

    better: str
    """What is claimed to be better, with our number."""
    worse: str
    """What is claimed to be worse, with our number."""
    outcome: PairOutcome
    """What our numbers say."""
    ahead: float | None = None
    """Mean over seeds of the first minus the second, in points; None where it is open."""
    half_width: float | None = None
    """Half-width of the interval of that difference alone."""
    contradicted: bool = False
    """Whether it fails by the interval that holds for all pairs of the grid at once."""

    @property
    def text(self) -> str:
        """`Ours 12.1 > Standard 16.9: -4.8 ± 4.1`."""
        pair = f"{self.better} > {self.worse}"
        if self.ahead is None or self.half_width is None:
            return pair
        return f"{pair}: {signed(self.ahead)} ± {number(self.half_width)}"


@dataclass(frozen=True)
class Checked:
    """One claimed ordering at one place of the grid."""

    outcome: Outcome
    """What our numbers say."""
    text: str
    """`coco 1 %: Ours 22.0 > Mask2Former 14.0: 1 of 1 pair holds`, and what is missing."""
    pairs: tuple[PairChecked, ...] = ()
    """Every two values of different ranks."""
    begun: bool = True
    """Whether any of its numbers is there."""

    @property
    def failing(self) -> list[PairChecked]:
        """The pairs of which our numbers say the opposite."""
        return [pair for pair in self.pairs if pair.outcome == "fails"]


@dataclass(frozen=True)
class _Side:
    """One value of the ordered axis at one place, with our numbers."""

    name: str
    dataset: str
    by_seed: dict[tuple[Any, ...], float]
    """Our numbers by the values of the averaged axes."""
    why: str
    """Why there is none; empty where there is one."""

    @property
    def text(self) -> str:
        if not self.by_seed:
            return self.name
        return f"{self.name} {number(statistics.fmean(self.by_seed.values()))}"


@dataclass(frozen=True)
class _Place:
    """One claim at one place of the grid, before any number is looked at."""

    ordering: Ordering
    name: str
    """`coco 1 %`; empty where the grid is one place."""
    members: dict[Value, list[Record]]
    """Cells of each claimed value that the grid has here."""

    @property
    def pairs(self) -> list[tuple[Value, Value]]:
        here = self.members
        return [pair for pair in self.ordering.pairs() if pair[0] in here and pair[1] in here]


def check_orderings(frame: pd.DataFrame, grid: Grid) -> list[Checked]:
    """Every claimed ordering, at every place of the grid that has one of its values.

    All pairs of values of different ranks are compared by the mean of their differences, seed by
    seed (see `intervals`). A place with one value alone, or without some of them, is told. `frame`
    is the grid's results.
    """
    places = [place for claim in grid.claims.orderings for place in _places(claim, frame, grid)]
    comparisons = sum(len(place.pairs) for place in places)
    return [_check(place, grid, comparisons) for place in places]


def _places(ordering: Ordering, frame: pd.DataFrame, grid: Grid) -> list[_Place]:
    values = {value for rank in ordering.ranks for value in rank}
    found: dict[tuple[Any, ...], dict[Value, list[Record]]] = {}
    free = [a for a in grid.axes if a not in ordering.ordered and a not in grid.table.average]
    for cell, record in zip(grid.cells, frame.to_dict("records"), strict=True):
        inside = all(cell.coordinates.get(a) == v for a, v in ordering.axes.items())
        value = tuple(cell.coordinates.get(axis) for axis in ordering.ordered)
        if inside and value in values:
            where = tuple(cell.axes[axis] for axis in free)
            found.setdefault(where, {}).setdefault(value, []).append(record | {"cell": cell})
    if not found:
        return [_Place(ordering, "", {})]
    return [_Place(ordering, _name(free, where, grid), found[where]) for where in found]


def _check(place: _Place, grid: Grid, comparisons: int) -> Checked:
    sides = {value: _side(place, value, grid) for rank in place.ordering.ranks for value in rank}
    said = " > ".join(
        " / ".join(sides[value].text for value in rank) for rank in place.ordering.ranks
    )
    source = f" [{place.ordering.says}]" if place.ordering.says else ""
    head = f"{place.name}: {said}{source}" if place.name else f"{said}{source}"
    if not place.pairs:
        have = [side.name for value, side in sides.items() if value in place.members]
        what = f"has {have[0]} alone" if len(have) == 1 else "has no two of these"
        return Checked("absent", f"{head}: this grid {what}", begun=False)
    pairs = tuple(_pair(sides[one], sides[two], grid, comparisons) for one, two in place.pairs)
    counts = Counter(pair.outcome for pair in pairs)
    lacking = _lacking(list(sides.values()))
    text = f"{head}: {_counted(counts)}{f' ({lacking})' if lacking else ''}"
    begun = any(sides[value].by_seed for value in place.members)
    return Checked(_outcome(counts), text, pairs, begun)


def _side(place: _Place, value: Value, grid: Grid) -> _Side:
    names = [
        display_name(axis, part, grid.table.names)
        for axis, part in zip(place.ordering.ordered, value, strict=True)
    ]
    name = " ".join(filter(None, names))
    records = place.members.get(value, [])
    if not records:
        return _Side(name, "", {}, "not in this grid")
    numbers = {
        tuple(record[axis] for axis in grid.table.average if axis in grid.axes): record["AP"]
        for record in records
        if is_measured(record, "AP") and not math.isnan(record["AP"])
    }
    dataset = records[0]["cell"].settings.dataset.name
    if numbers:
        return _Side(name, dataset, numbers, "")
    status = next((r["status"] for r in records if r["status"] != "done"), "without objects")
    why = {"new": "missing", "damaged": "unreadable"}.get(status, status)
    return _Side(name, dataset, {}, why)


def _pair(better: _Side, worse: _Side, grid: Grid, comparisons: int) -> PairChecked:
    seeds = [seed for seed in better.by_seed if seed in worse.by_seed]
    differences = [better.by_seed[seed] - worse.by_seed[seed] for seed in seeds]
    prior = grid.claims.spread(better.dataset)
    interval = interval_of_pairs(prior, differences, comparisons) if differences else None
    if interval is None:
        return PairChecked(better.text, worse.text, "open")
    ahead = statistics.fmean(differences)
    return PairChecked(
        better.text,
        worse.text,
        _pair_outcome(ahead, interval),
        ahead,
        interval.alone,
        contradicted=interval.side_together(ahead) == "below",
    )


def _pair_outcome(ahead: float, interval: Interval) -> PairOutcome:
    outcomes: dict[str, PairOutcome] = {"above": "holds", "within": "tie", "below": "fails"}
    return outcomes[interval.side(ahead)]


def _outcome(counts: Counter[PairOutcome]) -> Outcome:
    if counts["fails"]:
        return "fails"
    if counts["holds"]:
        return "partly" if counts["tie"] else "holds"
    return "tie" if counts["tie"] else "open"


def _counted(counts: Counter[PairOutcome]) -> str:
    """`7 of 10 pairs hold, 2 tie, 1 fails`."""
    total = counts.total()
    verb = "holds" if 1 in (counts["holds"], total) else "hold"
    said = [f"{counts['holds']} of {total} pair{'s' if total > 1 else ''} {verb}"]
    for outcome, one, many in (
        ("fails", "fails", "fail"),
        ("tie", "is a tie", "are ties"),
        ("open", "is open", "are open"),
    ):
        count = counts[outcome]  # type: ignore[index]
        if count:
            said.append(f"{count} {one if count == 1 else many}")
    return ", ".join(said)


def _lacking(sides: list[_Side]) -> str:
    """`Ours, No burn-in: missing; Supervised: not in this grid`."""
    names: dict[str, list[str]] = {}
    for side in sides:
        if side.why:
            names.setdefault(side.why, []).append(side.name)
    return "; ".join(f"{', '.join(group)}: {why}" for why, group in names.items())


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
        f"Orderings the paper claims, on our {METRICS['AP'].words}, every pair by its differences "
        "seed by seed: a tie is a difference that chance may make, an open pair lacks a number or "
        "a second seed."
    )
