"""All that stands for one grid: its tables and figures, read from the store, then written."""

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pandas import DataFrame

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.grid import Grid
from gdsweep.plan.cells import CellStatus
from gdsweep.plan.request import Mode, Request
from gdsweep.plots import style
from gdsweep.report.as_html import Picture, as_html
from gdsweep.report.as_text import as_text
from gdsweep.report.clean import clean
from gdsweep.report.costs import cost_table, costs
from gdsweep.report.curves import curves
from gdsweep.report.figures import Drawing, drawings
from gdsweep.report.formats import clean_texts, texts
from gdsweep.report.grid_table import build_table
from gdsweep.report.label_quality import label_quality, label_quality_table
from gdsweep.report.paired_differences import paired_difference_table, paired_differences
from gdsweep.report.receipts import receipts
from gdsweep.report.results import results
from gdsweep.report.tables import Table

REMARKS: dict[Mode, str] = {
    "real": "",
    "smoke": " (smoke test: tiny networks, no result)",
    "eval-only": " (given weights, nothing trained)",
}
"""What a caption says of numbers that are not what the grid asks for."""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is made of a grid besides its table, differences and figures."""

    cost: bool = False
    """A table of parameters, FLOPs, speed, memory, hours and energy of each row."""
    pseudo_labels: bool = False
    """A table of how many pseudo-labels the teachers gave, and how many were right; pictures of
    those that the runs kept."""
    html: bool = False
    """A self-contained page."""
    period: float | None = None
    """Seconds after which the page loads itself again, until every cell is done."""
    curves: bool = False
    """Training curves, a picture each for what the cells differ in besides method and seed."""
    clean: bool = False
    """The table with our numbers only, in files of its own."""
    panels: int = 0
    """Images with predictions, for each pair of methods."""


@dataclass(frozen=True)
class FiledTable:
    """A table and the numbers behind it, which go into files of one stem."""

    end: str
    """End of the files' stem: `-cost`; empty for the grid's own table."""
    table: Table
    frame: DataFrame
    heading: str = "Table"
    """Its heading on the page."""

    def texts(self) -> dict[str, str]:
        """Ends of the files' names to their contents."""
        written = texts(self.table, self.frame, self.table.command)
        return {self.end + suffix: text for suffix, text in written.items()}


@dataclass(frozen=True)
class Collected:
    """One grid's results and tables, not written yet."""

    request: Request
    extras: Extras
    main: FiledTable
    """The grid's own table, and its results."""
    cost: FiledTable | None
    """What the rows cost, where the page or a table of its own shows it."""
    others: tuple[FiledTable, ...]
    """Tables in files of their own beside the grid's: costs, pseudo-labels, differences."""

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.request.grids[0]

    @property
    def stem(self) -> str:
        """What the names of its files begin with: `table3`, or `table3-smoke`."""
        mode = self.request.mode
        return self.grid.name if mode == "real" else f"{self.grid.name}-{mode}"

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every table in every format: ends of the files' names to their contents."""
        written = {end: text for table in self.tables for end, text in table.texts().items()}
        return written | (clean_texts(self.main.table) if self.extras.clean else {})

    @property
    def tables(self) -> tuple[FiledTable, ...]:
        """The grid's own table, and those that have files of their own."""
        return (self.main, *self.others)

    def printed(self, width: int) -> list[str]:
        """The tables as text that is at most `width` columns wide, for a terminal."""
        clean_too = [clean(self.main.table)] if self.extras.clean else []
        shown = [*(filed.table for filed in self.tables), *clean_too]
        return [as_text(table, width) for table in shown]

    @property
    def is_done(self) -> bool:
        """Whether every cell has its score."""
        return bool((self.main.frame["status"] == "done").all())

    @property
    def damaged(self) -> list[str]:
        """One line on each record that cannot be read."""
        return self._reasons("damaged")

    @property
    def outdated(self) -> list[str]:
        """One line on each run whose numbers are withheld: it was trained on other data."""
        return self._reasons("outdated")

    def _reasons(self, status: CellStatus) -> list[str]:
        frame = self.main.frame
        return list(dict.fromkeys(frame.loc[frame["status"] == status, "why"]))

    def to_json(self) -> dict[str, Any]:
        """Results, costs and checked orderings as plain values."""
        return {
            "grid": str(self.grid.path),
            "cells": json.loads(self.main.frame.to_json(orient="records")),
            "costs": json.loads(self.cost.frame.to_json(orient="records")) if self.cost else [],
            "orderings": [asdict(checked) for checked in self.main.table.orderings],
        }


def collect(request: Request, extras: Extras, command: str) -> Collected:
    """Read what has finished of a request's one grid; holes say why. Nothing is written.

    `command` is the command line that makes the files, which they name.
    """
    (grid,) = request.grids
    store, graph, remark = request.store, request.graph, REMARKS[request.mode]

    def filed(end: str, heading: str, table: Table, frame: DataFrame) -> FiledTable:
        return FiledTable(end, replace(table, caption=f"{table.caption}{remark}"), frame, heading)

    frame = results(graph, grid, store)
    cost = None
    others = []
    if extras.cost or extras.html:
        spent = costs(graph, grid, store)
        cost = filed("-cost", "Cost", cost_table(spent, grid, command), spent)
    if extras.cost and cost is not None:
        others.append(cost)
    if extras.pseudo_labels:
        labels = label_quality(graph, grid, store)
        others.append(
            filed(
                "-pseudo-labels",
                "Pseudo-labels",
                label_quality_table(labels, grid, command),
                labels,
            )
        )
    if grid.differences:
        table = paired_difference_table(frame, grid, command)
        others.append(filed("-differences", "Differences", table, paired_differences(frame, grid)))
    main = filed("", "Table", build_table(frame, grid, command), frame)
    return Collected(request, extras, main, cost, tuple(others))


def write(collected: Collected, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write tables, figures and, if wanted, the page. Raises BadInput.

    Returns the paths of what was written, and of the pictures that show the same data already.
    """
    request, command = collected.request, collected.main.table.command
    extras = collected.extras
    stem = folder / collected.stem
    written: list[Path] = []
    unchanged: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for end, text in collected.texts.items():
            written.append(stem.with_name(stem.name + end))
            atomic.write_text(written[-1], text)
        figures = drawings(
            request, collected.main.frame, extras.curves, extras.panels, extras.pseudo_labels
        )
        for one in figures:
            place = stem.with_name(stem.name + one.end)
            if style.is_drawn(place, one.data):
                unchanged += style.picture_files(place)
            else:
                style.save(one.figure, place, command, one.data)
                written += style.picture_files(place)
        if extras.html:
            written.append(stem.with_name(f"{stem.name}.html"))
            atomic.write_text(written[-1], _page(collected, stem, figures))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror})") from None
    return written, unchanged


def _page(collected: Collected, stem: Path, figures: list[Drawing]) -> str:
    """The page beside files of `stem`, with their pictures in it; curves it draws itself."""
    request, grid = collected.request, collected.grid
    pictures = [
        Picture(
            one.title,
            one.caption,
            style.picture_files(stem.with_name(stem.name + one.end))[0].read_bytes(),
        )
        for one in figures
        if not one.end.startswith("-curves")
    ]
    others = {other.heading: other.table for other in (*collected.others, collected.cost) if other}
    return as_html(
        collected.main.table,
        receipts(request.graph, grid, request.store),
        folder=stem.parent,
        pictures=pictures,
        sources=list(dict.fromkeys(value.source for value in grid.published)),
        beside=others,
        curves=curves(request.graph, grid, request.store),
        period=None if collected.is_done else collected.extras.period,
    )
