"""Published values, typed: what a paper printed, cell by cell, with its place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from gdsweep.config import METRICS, Settings
from gdsweep.grid.assignments import Scalar
from gdsweep.grid.cell import Cell
from gdsweep.grid.claims import Claims, Noise, OrderingEntry, read_axes, read_ordering
from gdsweep.grid.messages import find_fault
from gdsweep.grid.names import nearest
from gdsweep.grid.yaml_lines import Document, KeyPath, plain, read_yaml


class RowEntry(Settings):
    """One printed row."""

    row: str
    """The row's head as printed."""
    quoted: bool = False
    """A number of other people's method, shown as a row of its own."""
    axes: dict[str, Any] = Field(default_factory=dict)
    """Axis to value, of all numbers of the row."""


def row_model() -> type[RowEntry]:
    """RowEntry with a key for each metric: `AP: [12.1, 18.8, null]`, and `AP50: [...]` beside it.

    Numbers are in the order of the table's columns; null stands where the paper prints a dash.
    """
    numbers: dict[str, Any] = dict.fromkeys(METRICS, (list[float | None], None))
    return create_model("RowEntry", __base__=RowEntry, **numbers)


class TableEntry(Settings):
    """One printed table."""

    caption: str | None = None
    """As printed."""
    axes: dict[str, Any] = Field(default_factory=dict)
    """Axis to value, of all numbers of the table."""
    columns: dict[str, list[Any]]
    """The axis along the top, and its values."""
    rows: list[dict[str, Any]]
    """Rows as printed, each by `row_model`."""


class PublishedFile(Settings):
    """One file of published values."""

    source: str
    """Where they are printed."""
    tables: dict[str, TableEntry]
    """Table's number to table."""
    noise: dict[str, Noise] = Field(default_factory=dict)
    """Data set to how far a faithful reproduction may be from these values."""
    orderings: list[OrderingEntry] = Field(default_factory=list)
    """What the paper claims to be better than what."""


@dataclass(frozen=True)
class PublishedValue:
    """One published number."""

    axes: dict[str, Scalar]
    """Canonical axis name to value."""
    metric: str
    """Key of the metric it is of."""
    value: float
    """The number as printed, in the metric's unit."""
    table: str
    """The table it is printed in: `3c`."""
    row: str
    """The row's head as printed."""
    column: str
    """The column's head: `5 %`."""
    quoted: bool
    """Whether it is of other people's method; then no cell of ours is meant."""
    source: str
    """Where it is printed."""

    def matches(self, cell: Cell) -> bool:
        """Whether it is the published counterpart of `cell`."""
        return not self.quoted and all(
            cell.coordinates.get(name) == value for name, value in self.axes.items()
        )


def read_published(path: Path | str) -> list[PublishedValue]:
    """The values of one file, row by row. Raises BadInput with file and line."""
    document, page = _read(path)
    return [
        value
        for number, table in page.tables.items()
        for value in _table(document, page.source, number, table)
    ]


def read_claims(path: Path | str) -> Claims:
    """The orderings and the noise that one file states. Raises BadInput with file and line."""
    document, page = _read(path)
    orderings = tuple(
        read_ordering(document, ("orderings", index), entry)
        for index, entry in enumerate(page.orderings)
    )
    return Claims(orderings, page.noise)


def _read(path: Path | str) -> tuple[Document, PublishedFile]:
    document = read_yaml(path)
    fault = find_fault(PublishedFile, document.value)
    if fault is not None:
        document.fail(*fault)
    return document, PublishedFile.model_validate(document.value)


def _table(document: Document, source: str, number: str, table: TableEntry) -> list[PublishedValue]:
    path = ("tables", number)
    common = read_axes(document, (*path, "axes"), table.axes)
    if len(table.columns) != 1:
        document.fail((*path, "columns"), "must name one axis and its values")
    columns = read_axes(document, (*path, "columns"), dict.fromkeys(table.columns))
    (axis,) = columns
    (heads,) = table.columns.values()
    values = []
    for index, entry in enumerate(table.rows):
        here = (*path, "rows", index)
        row = _row(document, here, entry)
        own = read_axes(document, (*here, "axes"), row.axes)
        for metric in METRICS:
            numbers = getattr(row, metric)
            if numbers is None:
                continue
            if len(numbers) != len(heads):
                said = f"has {len(numbers)} numbers for {len(heads)} columns"
                document.fail((*here, metric), said)
            for head, printed in zip(heads, numbers, strict=True):
                if printed is not None:
                    where = {**common, **own, axis: head}
                    column = f"{plain(head)} %" if axis == "labels" else plain(head)
                    values.append(
                        PublishedValue(
                            where, metric, printed, number, row.row, column, row.quoted, source
                        )
                    )
    return values


def _row(document: Document, path: KeyPath, entry: dict[str, Any]) -> RowEntry:
    model = row_model()
    fault = find_fault(model, entry)
    if fault is not None:
        document.fail((*path, *fault[0]), fault[1])
    if not entry.keys() & METRICS.keys():
        document.fail(path, f"names no metric{nearest('', METRICS)}")
    return model.model_validate(entry)
