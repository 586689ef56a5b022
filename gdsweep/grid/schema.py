"""The grid file's own keys. What stands under `axes` and `settings` is read by their own files."""

from typing import Any

from pydantic import Field

from gdsweep.config import Settings
from gdsweep.grid.messages import find_fault
from gdsweep.grid.yaml_lines import Document

Axes = str | list[str]


class Rule(Settings):
    """A change of settings for some cells; the later rule wins."""

    when: dict[str, Any] = Field(default_factory=dict)
    """Axis to value or list of values; all must hold. Every cell where empty."""
    set: dict[str, Any]
    """Settings, as under `settings`."""


class TableEntry(Settings):
    """How the cells make a table."""

    caption: str | None = None
    """Caption; the grid's title where not given."""
    rows: list[str] | None = None
    """Axes down the side, outermost first; `method`, or what the columns leave, if not given."""
    columns: list[str] | None = None
    """Axes along the top, outermost first; `dataset` and `labels` if not given."""
    subtables: list[str] = Field(default_factory=list)
    """Axes among those of rows and columns that split the table into (a), (b), ..., outermost
    first; a table and a caption for each combination of their values."""
    subcaption: str = ""
    """Caption of each subtable, with the axes in braces: `{method} models on {dataset}`; the shown
    values where not given."""
    average: list[str] = Field(default=["seed"])
    """Axes over which a number is a mean and a spread."""
    metric: str | None = None
    """What is shown (see `gdsweep.config.METRICS`); AP if not given."""
    metrics: list[str] | None = None
    """Several metrics, shown side by side; instead of `metric`."""
    names: dict[str, dict[Any, str]] = Field(default_factory=dict)
    """Axis to value to the words it is shown by."""


class ComparisonEntry(Settings):
    """A point of ours that a figure against an axis shows beside a quoted one."""

    cell: dict[str, Any]
    """Axis to value: of the figure's lines, its x axis, and its panels where it has any."""
    row: str
    """The quoted row's head, as the published tables have it."""
    at: float
    """Its value on the x axis."""


class FigureEntry(Settings):
    """How the cells make a figure."""

    kind: str = "label-efficiency"
    """A metric against an axis of numbers (`label-efficiency`, Figure 1), or validation AP against
    the iteration (`validation-curves`, Figure 6); see `gdsweep.config.FIGURES`."""
    x: str = "labels"
    """The axis of numbers, where the kind has one."""
    lines: str | list[str] = "method"
    """One line per value of this axis, or per combination of several."""
    panels: str | None = None
    """One panel per value of this axis; a single panel if not given."""
    metric: str | None = None
    """What is shown; the table's first metric if not given."""
    caption: str | None = None
    """Caption; the table's where not given."""
    compare: ComparisonEntry | None = None
    """What is singled out, where the figure has an axis of numbers."""


class DifferenceEntry(Settings):
    """One kind of cell minus another, paired by what is averaged."""

    of: dict[str, Any]
    """Axis to value of the cells that are compared."""
    minus: dict[str, Any]
    """The same axes, with the values of what is taken away."""
    name: str | None = None
    """What it is called; said by the values where not given."""
    metrics: list[str] | None = None
    """What is compared; the table's metrics if not given."""


class GridFile(Settings):
    """One page of YAML."""

    title: str
    """What the grid is about, in one line."""
    axes: dict[str, Any]
    """Axis to its values, `{by: axis, value: [...]}`, or rows for `"axis, axis"`."""
    datasets: dict[str, dict[str, Any] | str] = Field(default_factory=dict)
    """The user's own data sets beside the presets, or `detectron2:NAME` (see `catalog`)."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of every cell."""
    rules: list[Rule] = Field(default_factory=list)
    """Ordered changes of settings."""
    exclude: list[dict[str, Any]] = Field(default=[], alias="except")
    """Cells left out."""
    table: TableEntry = TableEntry()
    """The table."""
    differences: list[DifferenceEntry] = Field(default_factory=list)
    """Rows of a second table: what a method gains over another, seed by seed."""
    figure: FigureEntry | None = None
    """The figure, if any."""
    published: str | None = None
    """File of published values, relative to the grid file."""


def parse(document: Document) -> GridFile:
    """The grid file, typed. Raises BadInput at the first key that is wrong."""
    fault = find_fault(GridFile, document.value)
    if fault is not None:
        document.fail(*fault)
    return GridFile.model_validate(document.value)
