"""What the rows of a grid's table cost (Appendix B): size, speed, memory, hours and energy."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.plan.hours import AttemptHours, ProcessorHours
from gdsweep.report.display import display_name, heading, in_order
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Row, Table
from gdsweep.runs import Complexity, RunDir, Store, read_metrics
from gdsweep.runs.records import read_record

MEASURES = {
    "parameters": ("Parameters (M)", 1e6),
    "flops": ("FLOPs (G)", 1e9),
    "iterations_per_second": ("It/s", 1.0),
    "peak_memory": ("Memory (GiB)", 2.0**30),
    "gpu_hours": ("GPU-hours", 1.0),
    "cpu_hours": ("CPU-hours", 1.0),
    "kwh": ("kWh", 1.0),
}
"""Column of the DataFrame to heading and unit."""

TOTAL = "all runs, each once"


@dataclass
class _Run:
    """What one run tells."""

    network: Complexity | None = None
    speed: float = math.nan
    memory: float = math.nan
    total: ProcessorHours = field(default_factory=ProcessorHours)
    metered: bool = True
    """Whether every attempt recorded its energy."""


def costs(graph: Graph, grid: Grid, store: Store) -> pd.DataFrame:
    """One row per row of the table (and data set, where that is a column), then one for all.

    Columns: the axes of a row, None in the last; `size` (`H x W` of FLOPs); MEASURES in plain
    units, NaN where nothing is recorded. Hours and energy are those of every run behind the row,
    which other rows may share; `about` where an attempt was killed and counts with the iterations
    it saved, or cannot be read. Runs on other data than the grid names now are left out. Size and
    speed are those of the runs that are scored. Energy is NaN unless every attempt recorded it.
    """
    axes = _axes(grid)
    withheld = cells_on_other_data(graph, store)
    scored: dict[tuple[Any, ...], list[str]] = {}
    behind: dict[tuple[Any, ...], list[str]] = {}
    for cell, name, _ in graph.results:
        key = tuple(cell.axes[axis] for axis in axes)
        scored.setdefault(key, []).extend([] if cell in withheld else [name])
        pieces = [] if cell in withheld else graph.chain(cell)
        behind.setdefault(key, []).extend(piece.run for piece in pieces)
    readings = {name: _read(store.run(name)) for names in behind.values() for name in names}
    rows = [
        dict(zip(axes, key, strict=True))
        | _size_and_speed([readings[name] for name in scored[key]])
        | _total([readings[name] for name in dict.fromkeys(behind[key])])
        for key in in_order(scored)
    ]
    rows.append(dict.fromkeys(axes) | {"size": ""} | _total(list(readings.values())))
    frame = pd.DataFrame(rows, columns=[*axes, "size", *MEASURES, "about"])
    for axis in axes:
        # objects stay as the grid wrote them, and None stays None
        frame[axis] = pd.Series([row[axis] for row in rows], dtype=object, index=frame.index)
    return frame


def cost_table(frame: pd.DataFrame, grid: Grid, command: str = "") -> Table:
    """The table of `costs`, for any output format."""
    axes, names = _axes(grid), grid.table.names
    idle = [m for m in ("gpu_hours", "cpu_hours") if not (frame[m] > 0).any()]
    measures = [m for m in MEASURES if m not in (idle if len(idle) == 1 else idle[1:])]
    rows: list[Row] = []
    for record in frame.to_dict("records"):
        key = tuple(record[axis] for axis in axes)
        labels = [display_name(axis, value, names) for axis, value in zip(axes, key, strict=True)]
        if len(rows) == len(frame) - 1:
            labels = [TOTAL, *[""] * (len(axes) - 1)][: len(axes)]
        entries = tuple(Entry(text=_amount(record, measure)) for measure in measures)
        rows.append(Row(key, tuple(labels), entries))
    return Table(
        name=f"{grid.name}-cost",
        caption=f"Cost. {grid.table.caption}",
        metric="",
        stub=tuple(heading(axis) for axis in axes),
        headings=(),
        columns=tuple((MEASURES[measure][0],) for measure in measures),
        rows=tuple(rows),
        notes=(),
        legend=tuple(_legend(frame)),
        command=command,
    )


def _axes(grid: Grid) -> list[str]:
    beside = ["dataset"] if "dataset" in grid.table.columns else []
    return [*beside, *grid.table.rows]


def _read(run: RunDir) -> _Run:
    readings = _Run()
    try:
        hours, lines = AttemptHours(run), read_metrics(run.metrics)
        attempts, readings.total = hours.attempts, hours.total
        if run.network.exists():
            readings.network = read_record(run.network, Complexity)
    except (BadInput, OSError):
        readings.total = ProcessorHours(estimated=True)  # the receipt says what cannot be read
        return readings
    times = [line["time"] for line in lines if isinstance(line.get("time"), (int, float))]
    readings.speed = 1 / statistics.median(times) if times else math.nan
    readings.memory = _most(attempt.process.get("peak_memory") for attempt in attempts)
    readings.metered = all(
        isinstance(attempt.process.get("energy_kwh"), (int, float)) for attempt in attempts
    )
    return readings


def _size_and_speed(runs: list[_Run]) -> dict[str, Any]:
    network = next((run.network for run in runs if run.network is not None), None)
    speeds = [run.speed for run in runs if not math.isnan(run.speed)]
    flops = network.flops if network is not None else None
    return {
        "size": "{} x {}".format(*network.size) if network is not None else "",
        "parameters": network.parameters if network is not None else math.nan,
        "flops": math.nan if flops is None else flops,
        "iterations_per_second": statistics.median(speeds) if speeds else math.nan,
    }


def _total(runs: list[_Run]) -> dict[str, Any]:
    total = sum((run.total for run in runs), ProcessorHours())
    metered = total.kwh is not None and all(run.metered for run in runs)
    return {
        "peak_memory": _most(run.memory for run in runs),
        "gpu_hours": total.gpu_hours,
        "cpu_hours": total.cpu_hours,
        "kwh": total.kwh if metered else math.nan,
        "about": total.estimated,
    }


def _most(values: Iterable[Any]) -> float:
    known = [v for v in values if isinstance(v, (int, float)) and not math.isnan(v)]
    return float(max(known)) if known else math.nan


def _amount(record: dict[str, Any], measure: str) -> str:
    """A value with three digits that count; a dash where there is none."""
    value = record[measure]
    if value is None or math.isnan(value) or (measure.endswith("_hours") and value == 0):
        return "–"
    value /= MEASURES[measure][1]
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    rough = "≈" if record["about"] and measure in ("gpu_hours", "cpu_hours") else ""
    small = f"{value:.1g}" if 0 < value < 0.005 else f"{value:,.{digits}f}"
    return rough + small


def _legend(frame: pd.DataFrame) -> list[str]:
    sizes = " or ".join(dict.fromkeys(size for size in frame["size"] if size))
    at = f" of {sizes} pixels" if sizes else ""
    lines = [
        f"FLOPs: one forward pass of the student on one image{at}, a multiply-add being two.",
        "It/s: training iterations a second, median of the scored runs.",
        "Memory: most that torch allocated on one GPU; resident memory of a process without one.",
        "Hours and kWh: all attempts of all runs behind a row, those it shares with others too; "
        "the last row counts each run once.",
        "–: not recorded (kWh: unless every attempt's GPUs reported it).",
    ]
    if frame["about"].any():
        lines.append("≈: an attempt that was killed counts with the iterations it saved.")
    return lines
