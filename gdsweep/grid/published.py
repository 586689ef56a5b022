"""Published values, typed: what a paper printed, cell by cell, with its place."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import Field, create_model

from gdsweep.config import METRICS, Settings
from gdsweep.grid.assignments import Scalar
from gdsweep.grid.cell import Cell
from gdsweep.grid.claims import Claims, OrderingEntry, read_axes, read_ordering
from gdsweep.grid.messages import find_fault
from gdsweep.grid.names import BASICS, find, leaves, nearest
from gdsweep.grid.noise import Noise, Spread, noise_fault, spread_of
from gdsweep.grid.yaml_lines import Document, KeyPath, plain, read_yaml


class UnjudgedEntry(Settings):
    """Cells of ours that stand beside a quoted row and are not judged by it."""

    axes: dict[str, Any]
    """Axis to value of these cells, beside the quoted row's own axes."""
    because: str
    """Why not, to be read after a colon."""


class RowEntry(Settings):
    """One printed row."""

    row: str
    """The row's head as printed."""
    quoted: bool = False
    """A number of other people's method, shown as a row of its own."""
    axes: dict[str, Any] = Field(default_factory=dict)
    """Axis to value, of all numbers of the row."""
    source: str | None = None
    """Where the row is printed, if elsewhere than what the file names."""
    unjudged: UnjudgedEntry | None = None
    """With `quoted`: cells of ours of the same kind, and why they get no verdict."""


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
    """Where they are printed, but for rows that say otherwise."""
    tables: dict[str, TableEntry]
    """Table's number to table."""
    elsewhere: list[str] = Field(default_factory=list)
    """Files beside this one that hold other tables of the same paper. Where they print a quantity
    of this file with another value, both count (see `PublishedValue.printed`)."""
    noise: dict[str, Noise] = Field(default_factory=dict)
    """Data set to what is known of the noise between runs; of COCO and Cityscapes something is
    known already (see `noise.USUAL`)."""
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
    printed: tuple[float, ...] = ()
    """Every differing value that the paper prints for the same quantity, this one first. Equal ones
    may be one run's, and count once."""
    unjudged: dict[str, Scalar] | None = None
    """Axes of the cells of ours that stand beside a quoted value without a verdict."""
    because: str = ""
    """Why they have none."""

    @property
    def reference(self) -> float:
        """What a number of ours is judged by: the mean of what is printed."""
        return fmean(self.printed) if self.printed else self.value

    def matches(self, cell: Cell) -> bool:
        """Whether it is the published counterpart of `cell`."""
        return not self.quoted and all(
            cell.coordinates.get(name) == value for name, value in self.axes.items()
        )


def read_published(path: Path | str) -> list[PublishedValue]:
    """The values of one file, row by row. Raises BadInput with file and line."""
    return read_paper(path)[0]


def read_claims(path: Path | str) -> Claims:
    """What one file states beside the values. Raises BadInput with file and line."""
    return read_paper(path)[1]


def read_paper(path: Path | str) -> tuple[list[PublishedValue], Claims]:
    """The values of one file and what it states beside them. Raises BadInput with file and line."""
    document, page = _read(path)
    values = _tables(document, page)
    printed = _printed([*values, *_elsewhere(document, page)])
    for dataset, noise in page.noise.items():
        fault = noise_fault(noise)
        if fault is not None:
            document.fail(("noise", dataset), fault)
    orderings = tuple(
        read_ordering(document, ("orderings", index), entry)
        for index, entry in enumerate(page.orderings)
    )
    values = [replace(value, printed=_own_first(value, printed)) for value in values]
    return values, Claims(orderings, page.noise, _repeats(printed))


Quantity = tuple[str, frozenset[tuple[str, Scalar]]]
"""What tells one quantity from another: the metric, and axes with their values."""


def _quantity(value: PublishedValue) -> Quantity:
    """Axes without those that name a setting's default: other tables of a paper leave them out."""
    axes = value.axes.items()
    named = frozenset((a, v) for a, v in axes if a in BASICS or v != _default(a))
    return value.metric, named


def _default(axis: str) -> Any:
    target = find(axis)
    return leaves()[target].default if target in leaves() else None


def _printed(values: Iterable[PublishedValue]) -> dict[Quantity, tuple[float, ...]]:
    """Differing values of each quantity that is the paper's own, in the order they are given."""
    found: dict[Quantity, tuple[float, ...]] = {}
    for value in values:
        if not value.quoted:
            known = found.get(_quantity(value), ())
            found[_quantity(value)] = tuple(dict.fromkeys((*known, value.value)))
    return found


def _own_first(
    value: PublishedValue, printed: dict[Quantity, tuple[float, ...]]
) -> tuple[float, ...]:
    others = () if value.quoted else printed[_quantity(value)]
    return tuple(dict.fromkeys((value.value, *others)))


def _repeats(printed: dict[Quantity, tuple[float, ...]]) -> dict[tuple[str, str], Spread]:
    """What quantities with more than one value say of the noise on their data set and metric."""
    groups: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for (metric, axes), values in printed.items():
        dataset = dict(axes).get("dataset")
        if len(values) > 1 and dataset is not None:
            groups.setdefault((str(dataset), metric), []).append(values)
    return {where: spread_of(found) for where, found in groups.items()}


def _elsewhere(document: Document, page: PublishedFile) -> list[PublishedValue]:
    """Values of the files beside this one that it names."""
    found = []
    for index, name in enumerate(page.elsewhere):
        path = Path(document.name).parent / name
        if not path.is_file():
            document.fail(("elsewhere", index), f"{name}: no such file beside {document.name}")
        found += _tables(*_read(path))
    return found


def _read(path: Path | str) -> tuple[Document, PublishedFile]:
    document = read_yaml(path)
    fault = find_fault(PublishedFile, document.value)
    if fault is not None:
        document.fail(*fault)
    return document, PublishedFile.model_validate(document.value)


def _tables(document: Document, page: PublishedFile) -> list[PublishedValue]:
    return [
        value
        for number, table in page.tables.items()
        for value in _table(document, page.source, number, table)
    ]


def _table(document: Document, source: str, number: str, table: TableEntry) -> list[PublishedValue]:
    path = ("tables", number)
    common = read_axes(document, (*path, "axes"), table.axes)
    if len(table.columns) != 1:
        document.fail((*path, "columns"), "must name one axis and its values")
    columns = read_axes(document, (*path, "columns"), dict.fromkeys(table.columns))
    (axis,) = columns
    (heads,) = table.columns.values()
    values: list[PublishedValue] = []
    rows: dict[Quantity, int] = {}
    for index, entry in enumerate(table.rows):
        here = (*path, "rows", index)
        row = _row(document, here, entry)
        own = read_axes(document, (*here, "axes"), row.axes)
        unjudged = None
        if row.unjudged is not None:
            if not row.quoted:
                document.fail((*here, "unjudged"), "goes with a quoted row")
            unjudged = read_axes(document, (*here, "unjudged", "axes"), row.unjudged.axes)
        for metric in METRICS:
            numbers = getattr(row, metric)
            if numbers is None:
                continue
            if len(numbers) != len(heads):
                said = f"has {len(numbers)} numbers for {len(heads)} columns"
                document.fail((*here, metric), said)
            for head, printed in zip(heads, numbers, strict=True):
                if printed is not None:
                    values.append(
                        PublishedValue(
                            axes={**common, **own, axis: head},
                            metric=metric,
                            value=printed,
                            table=number,
                            row=row.row,
                            column=f"{plain(head)} %" if axis == "labels" else plain(head),
                            quoted=row.quoted,
                            source=row.source or source,
                            unjudged=unjudged,
                            because=row.unjudged.because if row.unjudged else "",
                        )
                    )
                    if not row.quoted and rows.setdefault(_quantity(values[-1]), index) != index:
                        other = f"rows[{rows[_quantity(values[-1])]}]"
                        document.fail(here, f"has the same axes as {other}: which cells are meant?")
    return values


def _row(document: Document, path: KeyPath, entry: dict[str, Any]) -> RowEntry:
    model = row_model()
    fault = find_fault(model, entry)
    if fault is not None:
        document.fail((*path, *fault[0]), fault[1])
    if not entry.keys() & METRICS.keys():
        document.fail(path, f"names no metric{nearest('', METRICS)}")
    return model.model_validate(entry)
