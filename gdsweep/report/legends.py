"""How the numbers of a grid's table are to be read."""

import itertools
from collections.abc import Iterable, Sequence
from statistics import fmean

from gdsweep.config import METRICS, SPLIT_NAMES
from gdsweep.grid import Grid, PublishedValue, Spread
from gdsweep.report.display import display_name, metrics_and_units, number, signed
from gdsweep.report.entries import Entry, Record, source
from gdsweep.report.intervals import interval_of_pairs
from gdsweep.report.published import unjudged
from gdsweep.report.tables import Row

LEAST_TO_AVERAGE = 4
"""Differences from published values of which a mean is told."""


def legend(rows: Sequence[Row], records: Sequence[Record], grid: Grid, uniform: bool) -> list[str]:
    """What the numbers and the signs of holes mean, a short line each.

    `records` are the results' rows, `uniform` says whether all are of the same kind of checkpoint.
    """
    entries = [entry for row in rows for entry in row.entries]
    splits = " and ".join(
        SPLIT_NAMES[split] for split in dict.fromkeys(record["split"] for record in records)
    )
    metrics = grid.table.metrics
    chosen = f"; {source(records[0])}" if uniform and records else ""
    lines = [f"{metrics_and_units(metrics, splits)}{chosen}."] if records else []
    checkpoints = {at for entry in entries for at in entry.checkpoints}
    if len(checkpoints) == 1:
        lines.append(f"Every checkpoint is that of iteration {checkpoints.pop():,}.")
    if any(entry.of > 1 for row in rows if not row.quoted for entry in row.entries):
        ours = [entry for row in rows if not row.quoted for entry in row.entries]
        lines.append(averaged(ours, grid.table.average))
    if any(row.quoted for row in rows):
        lines.append("†: quoted from the paper, not trained here.")
    lowest = [METRICS[metric].words for metric in metrics if not METRICS[metric].higher_is_better]
    if lowest:
        lines.append(f"The lowest number is the best in {' and '.join(lowest)}.")
    signs = {entry.hole.split(" ")[0] for entry in entries if entry.hole}
    if "…" in signs:
        lines.append("…: running, with the share of its iterations that is done.")
    if "interrupted" in signs:
        lines.append("interrupted: begun and not running; another launch goes on from there.")
    if "–" in signs:
        lines.append("–: missing, not begun.")
    if "not" in signs:
        lines.append("not measured: scored without this metric; another launch measures it.")
    if "n/a" in signs:
        absent = dict.fromkeys(METRICS[metric].absent for metric in metrics)
        lines.append(f"n/a: {'; or '.join(absent)}.")
    return lines


def averaged(entries: Iterable[Entry], average: Sequence[str]) -> str:
    """`Mean ± standard deviation over 3 seeds; (2/3): over those that are there.`"""
    counts = sorted({entry.of for entry in entries if entry.of})
    partial = any(0 < entry.done < entry.of for entry in entries)
    count = " or ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else ""
    over = " and ".join(f"{axis}s" for axis in average)
    rest = "; (1/2): over those that are there, of those that the grid asks for" if partial else ""
    return f"Mean ± standard deviation over {' '.join(filter(None, (count, over)))}{rest}."


def remarks(rows: Sequence[Row], grid: Grid) -> list[str]:
    """How published values and verdicts are to be read, and where there is none and why."""
    lines = []
    if len({at for row in rows for entry in row.entries for at in entry.checkpoints}) > 1:
        lines.append("@: iteration of the scored checkpoint.")
    judged: dict[tuple[str, str], list[float]] = {}
    stated = []
    for row in rows:
        for entry, metric in zip(row.entries, itertools.cycle(grid.table.metrics), strict=False):
            if entry.published is not None:
                stated.append(entry)
                if entry.delta is not None:
                    dataset = grid.cells[entry.cells[0]].settings.dataset.name
                    judged.setdefault((dataset, metric), []).append(entry.delta)
    if stated:
        twice = any(len(entry.printed) > 1 for entry in stated)
        both = "; the mean of both where it prints two" if twice else ""
        lines.append(f"Published: the paper's number, and ours minus the paper's{both}.")
    if judged:
        noise = "; ".join(_noise(dataset, metric, grid) for dataset, metric in judged)
        lines.append(
            "Within, below, above: chance alone puts 1 of 20 numbers outside the interval, which "
            "has the noise of the published run in it (docs/verdicts.md). Noise between runs: "
            f"{noise}. What ours does otherwise than the paper: docs/deviations.md."
        )
    averages = [_average(*where, deltas, grid) for where, deltas in judged.items()]
    if any(averages):
        lines.append(f"On average ours minus published: {'; '.join(filter(None, averages))}.")
    beside = [entry for metric in grid.table.metrics for entry in unjudged(grid, metric)]
    return lines + list(dict.fromkeys(_unjudged(entry, grid) for entry in beside))


def _unjudged(entry: PublishedValue, grid: Grid) -> str:
    axes = (entry.unjudged or {}).items()
    name = " ".join(display_name(axis, value, grid.table.names) for axis, value in axes)
    return f"No verdict on {name} by {entry.row} †: {entry.because}."


def _average(dataset: str, metric: str, deltas: list[float], grid: Grid) -> str:
    """`COCO -0.5 ± 0.2 over 36 numbers`: many small losses are seen together; empty of few numbers.

    The interval is by the scatter of the differences themselves.
    """
    interval = interval_of_pairs(Spread(), deltas)
    if interval is None or len(deltas) < LEAST_TO_AVERAGE:
        return ""
    mean = f"{signed(fmean(deltas))} ± {number(interval.alone)}"
    return f"{_measured(dataset, metric, grid)} {mean} over {len(deltas)} numbers"


def _measured(dataset: str, metric: str, grid: Grid) -> str:
    name = display_name("dataset", dataset, grid.table.names)
    return f"{name} {METRICS[metric].short}" if metric != "AP" else name


def _noise(dataset: str, metric: str, grid: Grid) -> str:
    name = _measured(dataset, metric, grid)
    known = grid.claims.spread(dataset, metric)
    if not known.degrees:
        return f"{name}, the scatter of our seeds"
    return (
        f"{name}, {known.sd:.2g} points ({grid.claims.noise_source(dataset, metric)}; "
        f"{known.degrees} degrees of freedom) and the scatter of our seeds"
    )
