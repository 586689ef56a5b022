"""Results beside those of an earlier collection: has a number moved by more than its spread?"""

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gdsweep.errors import BadInput
from gdsweep.grid import Grid
from gdsweep.report.display import display_name, number, signed

Key = tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """One number of the table, now and then."""

    name: str
    """What it is of, in the table's words."""
    now: float | None
    """Mean over the averaged axes, in percent; None for a hole."""
    then: float
    """The earlier mean."""
    spread: float
    """The earlier standard deviation over the averaged axes; NaN of a single value."""

    @property
    def outcome(self) -> str:
        """`within` the earlier spread, `outside`, `open` (no number yet) or `alone` (no spread)."""
        if self.now is None:
            return "open"
        if math.isnan(self.spread):
            return "alone"
        # at the one decimal that tables print
        moved = round(abs(self.now - self.then), 1)
        return "within" if moved <= round(self.spread, 1) else "outside"

    @property
    def text(self) -> str:
        """`Guided 2 %: 20.3, was 19.8 ± 1.2 (+0.5, within)`."""
        spread = "" if math.isnan(self.spread) else f" ± {number(self.spread)}"
        if self.now is None:
            return f"{self.name}: no number, was {number(self.then)}{spread}"
        change = f"{signed(self.now - self.then)}, {self.outcome}"
        return f"{self.name}: {number(self.now)}, was {number(self.then)}{spread} ({change})"


def against(frame: pd.DataFrame, grid: Grid, path: Path) -> list[Compared]:
    """The grid's numbers beside those in `path`, a CSV that collect wrote for the same grid.

    Numbers are compared where both have the cells; values are means over the averaged axes.

    Raises:
        BadInput: the file cannot be read, or has none of the grid's cells.
    """
    axes = [axis for axis in grid.axes if axis not in grid.table.average]
    metric = grid.table.metric
    earlier = _values(_read(path, [*axes, metric]), axes, metric)
    mine = _values(frame, axes, metric)
    found = []
    for key, values in mine.items():
        before = [value for value in earlier.get(key, []) if not math.isnan(value)]
        if before:
            present = [value for value in values if not math.isnan(value)]
            found.append(
                Compared(
                    _name(grid, axes, key),
                    statistics.fmean(present) if present else None,
                    statistics.fmean(before),
                    statistics.stdev(before) if len(before) > 1 else math.nan,
                )
            )
    if not found:
        raise BadInput(f"{path}: has no number of {grid.path}; valid: a CSV of the same grid")
    return found


def against_lines(found: list[Compared], path: Path) -> list[str]:
    """A line that counts, then one for every number that moved or is not there."""
    counts = Counter(compared.outcome for compared in found)
    total = f"{counts['within']} of {len(found)} numbers are within the spread of {path}"
    others = [f"{counts[word]} {word}" for word in ("outside", "open", "alone") if counts[word]]
    said = [compared for compared in found if compared.outcome != "within"]
    return [", ".join([total, *others]), *(f"{one.outcome}: {one.text}" for one in said)]


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        # cells are compared as they are written: 2 and 2.0 are told apart by neither side
        read = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; valid: a CSV that collect.py wrote") from None
    except ValueError as error:  # pandas' parser errors are of this kind
        raise BadInput(f"{path}: is no CSV that collect.py wrote ({error})") from None
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


def _name(grid: Grid, axes: list[str], key: Key) -> str:
    for cell in grid.cells:
        if tuple(_plain(cell.axes[axis]) for axis in axes) == key:
            ordered = [*grid.table.columns, *grid.table.rows]
            words = [display_name(axis, cell.axes[axis], grid.table.names) for axis in ordered]
            return " ".join(word for word in words if word and word != "none")
    raise AssertionError(f"{key} is no cell of {grid.path}")
