"""One number of a table, or what stands in its place."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gdsweep.config import METRICS
from gdsweep.grid import PublishedValue, TableLayout
from gdsweep.plan.cells import percent
from gdsweep.report.results import judgement_columns

Record = dict[str, Any]
"""One row of a results DataFrame."""

HOLES = {
    "running": "…",
    "failed": "✗ failed",
    "damaged": "✗ unreadable",
    "outdated": "✗ other data",
    "blocked": "✗ blocked",
    "interrupted": "interrupted",
    "unmeasured": "not measured",
    "new": "–",
}
"""What stands in a hole, by status; the first one present speaks for a group of seeds."""


@dataclass(frozen=True)
class Entry:
    """One number of a table: the mean over seeds, or what stands in its place."""

    mean: float | None = None
    """In percent; None for a hole."""
    spread: float | None = None
    """Sample standard deviation over seeds; None below two."""
    done: int = 0
    """Seeds that have a score."""
    of: int = 0
    """Seeds the grid asks for; 0 where the grid has no such cell."""
    hole: str = ""
    """What stands in place of a number."""
    text: str = ""
    """The whole entry as it is printed, where it is no metric (see `costs`)."""
    notes: tuple[int, ...] = ()
    """Places in the table's notes."""
    checkpoints: tuple[int, ...] = ()
    """Iterations of the scored checkpoints, one a seed."""
    published: float | None = None
    """The paper's number for this cell; the mean of `printed` where it prints several."""
    printed: tuple[float, ...] = ()
    """Every differing value that the paper prints for this cell."""
    half_width: float | None = None
    """Half-width of the interval around `published`, or a mean of differences (see `intervals`)."""
    half_width_together: float | None = None
    """The same where the interval holds for all published numbers of the grid at once."""
    verdict: str = ""
    """Where the mean lies of its interval: `within`, `below`, `above`; `open` (see `verdicts`)."""
    cells: tuple[int, ...] = ()
    """Places of its cells in the grid."""
    best: bool = False
    """Best of its column."""
    above: int | None = None
    """How many of the differences behind a mean of them are above zero."""

    @property
    def delta(self) -> float | None:
        """Ours minus published."""
        if self.mean is None or self.published is None:
            return None
        return self.mean - self.published


@dataclass
class Notes:
    """The reasons of holes, each told once."""

    texts: list[str] = field(default_factory=list)

    def place(self, text: str) -> int:
        """The place of a note, which is added if it is new."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


def source(record: Record) -> str:
    """Which network and which checkpoint a number is of."""
    return f"{record['network']} network, {record['selection']}"


def make_entry(
    group: list[Record],
    layout: TableLayout,
    metric: str,
    published: Mapping[int, PublishedValue],
    notes: Notes,
    uniform: bool,
) -> Entry:
    """The entry, in one metric, of the cells that share a place of the table.

    `published` are the metric's published values by the place of their cell. Reasons of holes go to
    `notes`, and the source of the number too unless it is the same for the whole table (`uniform`).
    """
    if not group:
        return Entry()
    judged = judgement_columns(layout, metric)
    done = [record for record in group if is_measured(record, metric)]
    values = [record[metric] for record in done if not math.isnan(record[metric])]
    paper = next((published[r["cell"]] for r in group if r["cell"] in published), None)
    marks = []
    if done and not uniform:
        marks.append(notes.place("; ".join(dict.fromkeys(source(record) for record in done))))
    holes = [record for record in group if not is_measured(record, metric)]
    reason = _reason(holes, len(group), layout.average)
    if reason:
        marks.append(notes.place(reason))
    return Entry(
        mean=statistics.fmean(values) if values else None,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        done=len(done),
        of=len(group),
        hole="" if values else _hole(holes),
        notes=tuple(marks),
        # told once, beside the first metric: the others are of the same checkpoint
        checkpoints=tuple(int(r["iteration"]) for r in done) if metric == layout.metric else (),
        published=paper.reference if paper else None,
        printed=paper.printed if paper else (),
        half_width=_known(group[0][judged["half_width"]]),
        half_width_together=_known(group[0][judged["half_width_together"]]),
        verdict=group[0][judged["verdict"]],
        cells=tuple(record["cell"] for record in group),
    )


def entry_of(values: list[float], **others: Any) -> Entry:
    """The entry of some values, NaN for a hole; `others`: more of its fields."""
    known = [value for value in values if not math.isnan(value)]
    return Entry(
        mean=statistics.fmean(known) if known else None,
        spread=statistics.stdev(known) if len(known) > 1 else None,
        done=len(known),
        of=len(values),
        hole="" if known else HOLES["new"],
        **others,
    )


def is_measured(record: Record, metric: str) -> bool:
    """Whether the cell has a score in this metric; it may be none, where no object is to be found.

    A scored cell whose record lacks a metric is `unmeasured` in that metric alone.
    """
    if record["status"] == "done" or not math.isnan(record[metric]):
        return True
    return record["status"] == "unmeasured" and not METRICS[metric].on_demand


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _hole(holes: list[Record]) -> str:
    present = {record["status"] for record in holes}
    for status, sign in HOLES.items():
        if status in present:
            if status in ("running", "interrupted"):
                share = statistics.fmean(record["progress"] for record in holes)
                return f"{sign} {percent(share)} %"
            return sign
    return "n/a"


def _reason(holes: list[Record], cells: int, average: tuple[str, ...]) -> str:
    """What a note says of the holes among `cells`; nothing where the sign in the table says all."""
    whole = len(holes) == cells
    speaking = {"failed", "blocked", "damaged", "outdated"}
    if whole and not any(
        record["status"] in speaking or (record["status"] == "new" and record["progress"])
        for record in holes
    ):
        return ""
    if cells == 1:
        return holes[0]["why"] if holes else ""
    members: dict[str, list[str]] = {}
    for record in holes:
        name = " ".join(f"{axis} {record[axis]}" for axis in average)
        members.setdefault(record["why"], []).append(name)
    return "; ".join(f"{', '.join(names)} {why}" for why, names in members.items())
