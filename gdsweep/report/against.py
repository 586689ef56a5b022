"""Results beside those of an earlier collection: has one moved by more than chance?"""

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from gdsweep.config import METRICS
from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Grid
from gdsweep.report.display import display_name, number, signed
from gdsweep.report.intervals import Interval, interval_of_means

Key = tuple[str, ...]


Outcome = Literal["within", "outside", "open", "alone"]
"""`outside`: the mean has moved by more than chance explains in a table of this size. `open`: no
number yet. `alone`: a single value now and then, and nothing is known of the noise."""


@dataclass(frozen=True)
class Compared:
    """One number of the table, now and then."""

    name: str
    """What it is of, in the table's words."""
    now: tuple[float, ...]
    """Values over the averaged axes, in percent; empty for a hole."""
    then: tuple[float, ...]
    """The earlier values."""
    interval: Interval | None
    """Interval of the difference of both means; None where it is open or alone."""

    @property
    def outcome(self) -> Outcome:
        """Whether the mean has moved."""
        if not self.now:
            return "open"
        if self.interval is None:
            return "alone"
        return "within" if self.interval.side_together(self.moved) == "within" else "outside"

    @property
    def moved(self) -> float:
        """The mean now minus the mean then, in points; both must be there."""
        return statistics.fmean(self.now) - statistics.fmean(self.then)

    @property
    def text(self) -> str:
        """`Guided 2 %: 20.3, was 19.8 (+0.5, within ±1.2)`."""
        was = f"was {number(statistics.fmean(self.then))}"
        if not self.now:
            return f"{self.name}: no number, {was}"
        half = f" ±{number(self.interval.together)}" if self.interval else ""
        change = f"{signed(self.moved)}, {self.outcome}{half}"
        return f"{self.name}: {number(statistics.fmean(self.now))}, {was} ({change})"


def against(frame: pd.DataFrame, grid: Grid, path: Path) -> list[Compared]:
    """The grid's numbers beside those in `path`, a CSV that collect wrote for the same grid.

    Numbers are compared where both have the cells: means over the averaged axes, by the intervals
    that hold for all of them at once (see `intervals`), in each metric of the table that the file
    has.

    Raises:
        BadInput: the file cannot be read, or has none of the grid's cells.
    """
    axes = [axis for axis in grid.axes if axis not in grid.table.average]
    file = _read(path, [*axes, grid.table.metric])
    both: list[tuple[str, Key, tuple[float, ...], tuple[float, ...]]] = []
    for metric in grid.table.metrics:
        # the file may be older than the grid's wish for a further metric
        if metric in file.columns:
            earlier = _values(file, axes, metric)
            for key, now in _values(frame, axes, metric).items():
                then = _present(earlier.get(key, []))
                if then:
                    both.append((metric, key, _present(now), then))
    found = [_compared(grid, axes, *numbers, len(both)) for numbers in both]
    if not found:
        raise BadInput(f"{path}: has no number of {grid.path}; valid: a CSV of the same grid")
    return found


def against_lines(numbers: list[Compared], path: Path) -> list[str]:
    """A line that counts, then one for every number that moved or is not there."""
    counts = Counter(number.outcome for number in numbers)
    total = (
        f"{counts['within']} of {len(numbers)} numbers are those of {path}, as far as chance goes"
    )
    words: tuple[Outcome, ...] = ("outside", "open", "alone")
    others = [f"{counts[word]} {word}" for word in words if counts[word]]
    said = [number for number in numbers if number.outcome != "within"]
    return [", ".join([total, *others]), *(f"{one.outcome}: {one.text}" for one in said)]


def _compared(
    grid: Grid,
    axes: list[str],
    metric: str,
    key: Key,
    now: tuple[float, ...],
    then: tuple[float, ...],
    comparisons: int,
) -> Compared:
    cell = _cell(grid, axes, key)
    prior = grid.claims.spread(cell.settings.dataset.name, metric)
    interval = interval_of_means(prior, now, then, comparisons) if now else None
    return Compared(_name(grid, cell, metric), now, then, interval)


def _present(values: list[float]) -> tuple[float, ...]:
    return tuple(value for value in values if not math.isnan(value))


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        # cells are compared as they are written: 2 and 2.0 are told apart by neither side
        read = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; valid: a CSV that collect wrote") from None
    except ValueError as error:  # pandas' parser errors are of this kind
        raise BadInput(f"{path}: is no CSV that collect wrote ({error})") from None
    missing = [column for column in columns if column not in read.columns]
    if missing:
        raise BadInput(f"{path}: has no column {missing[0]}; valid: a CSV of the same grid")
    return read


def _values(frame: pd.DataFrame, axes: list[str], metric: str) -> dict[Key, list[float]]:
    values: dict[Key, list[float]] = {}
    for record in frame.to_dict("records"):
        key = tuple(_plain(record[axis]) for axis in axes)
        value = record[metric]
        values.setdefault(key, []).append(float(value) if value != "" else math.nan)
    return values


def _plain(value: Any) -> str:
    """An axis' value as both sides agree on it: `2` for 2.0, nothing for None and NaN."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    try:
        return f"{float(value):g}" if not isinstance(value, bool) else str(value)
    except ValueError:
        return str(value)


def _cell(grid: Grid, axes: list[str], key: Key) -> Cell:
    return next(c for c in grid.cells if tuple(_plain(c.axes[axis]) for axis in axes) == key)


def _name(grid: Grid, cell: Cell, metric: str) -> str:
    ordered = [*grid.table.columns, *grid.table.rows]
    words = [display_name(axis, cell.axes[axis], grid.table.names) for axis in ordered]
    if len(grid.table.metrics) > 1:
        words.append(METRICS[metric].short)
    return " ".join(word for word in words if word and word != "none")
