"""A grid file, read and resolved as a whole before anything is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gdsweep.config import METHODS, METRICS
from gdsweep.config.set_statistics import SetStatistics
from gdsweep.grid.assignments import Reader, Scalar, Scope
from gdsweep.grid.cell import Cell
from gdsweep.grid.checks import check_cell, check_label_list, check_rules, check_weights
from gdsweep.grid.claims import Claims
from gdsweep.grid.comparison import with_comparison
from gdsweep.grid.differences import Difference, read_differences
from gdsweep.grid.expand import Axes, Combination, without
from gdsweep.grid.layout import FigureLayout, TableLayout, read_figure, read_table
from gdsweep.grid.methods import TAUGHT
from gdsweep.grid.names import dataset_names
from gdsweep.grid.presets import shipped_dataset, user_datasets
from gdsweep.grid.provenance import ResolvedSetting, resolved_settings
from gdsweep.grid.published import PublishedValue, read_paper
from gdsweep.grid.resolve import Resolver
from gdsweep.grid.schema import GridFile, parse
from gdsweep.grid.smoke import smoke
from gdsweep.grid.yaml_lines import Document, read_yaml


@dataclass
class Grid:
    """What one grid file wants."""

    path: Path
    """The file."""
    name: str
    """The file's stem: the name of its results."""
    title: str
    """One line."""
    axes: dict[str, tuple[Scalar, ...]]
    """Axis to its values, both in the file's order."""
    cells: list[Cell]
    """The cells, the first axis varying slowest."""
    table: TableLayout
    """The table."""
    figure: FigureLayout | None = None
    """The figure, if any."""
    differences: tuple[Difference, ...] = ()
    """What is compared, seed by seed."""
    published: list[PublishedValue] = field(default_factory=list)
    """Published values beside ours."""
    claims: Claims = field(default_factory=Claims)
    """What is published beside them: orderings, noise."""
    resolver: Resolver | None = field(default=None, repr=False)
    """What resolved the cells; it knows where every value was decided."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Keys of all metrics that its table, figure and differences show."""
        return shown_metrics(self.table, self.figure, self.differences)

    def resolved_settings(self, cell: Cell) -> list[ResolvedSetting]:
        """Every setting of one of the cells, with the place that decided its value."""
        assert self.resolver is not None, "a grid that was read from a file has its resolver"
        return resolved_settings(cell, self.resolver)

    def published_values(self, metric: str = "AP") -> dict[int, PublishedValue]:
        """Published counterpart, in one metric, of each cell that has one, by its place in `cells`.

        An entry belongs to the cells that agree with all it names. Where they differ among
        themselves in an axis the entry does not name (a weight that an ablation varies, say),
        nothing tells which of them is meant: such an entry stands beside none. Averaged axes do not
        count.
        """
        found: dict[int, PublishedValue] = {}
        for entry in (entry for entry in self.published if entry.metric == metric):
            places = [place for place, cell in enumerate(self.cells) if entry.matches(cell)]
            unnamed = [a for a in self.axes if a not in entry.axes and a not in self.table.average]
            kinds = {tuple(self.cells[place].axes[axis] for axis in unnamed) for place in places}
            if len(kinds) == 1:
                for place in places:
                    found.setdefault(place, entry)
        return found


def load_grid(
    path: Path | str,
    smoke: Path | None = None,
    statistics: Mapping[str, SetStatistics] | None = None,
) -> Grid:
    """Read a grid file; with `smoke`, every cell is shrunk to seconds on a CPU.

    `smoke` is the folder of the data sets in miniature (`Store.miniatures`); nothing is read there.
    `statistics` are of data sets of the grid's own whose files may not be seen here, by name.

    Raises BadInput, one line with file, line and key, for anything that is wrong with it.
    """
    document = read_yaml(path)
    page = parse(document)
    datasets = user_datasets(document, page.datasets)
    datasets |= {name: shipped_dataset(name) for name in dataset_names()}
    axes = Axes(document, page.axes, datasets)
    scope: Scope = _scope(axes)
    reader = Reader(document, scope, datasets, taken=axes.targets)
    block = reader.block(("settings",), page.settings) + reader.rules(("rules",), page.rules)
    resolver = Resolver(document, axes, block, datasets, statistics)
    combinations = without(document, page.exclude, axes, axes.combinations())
    cells = [_cell(values, resolver) for values in combinations]
    check_rules(cells, resolver)
    table = read_table(document, page, axes, cells)
    differences = read_differences(document, page, axes, table, cells)
    figure = None
    if page.figure is not None:
        figure = read_figure(document, page.figure, table, axes, cells)
    published, claims = _published(document, page)
    if figure is not None and page.figure is not None and page.figure.compare is not None:
        compare = page.figure.compare
        figure = with_comparison(document, compare, figure, axes, cells, published)
    asked = shown_metrics(table, figure, differences)
    on_demand = tuple(key for key in asked if METRICS[key].on_demand)
    cells = [replace(cell, metrics=on_demand) for cell in cells]
    if smoke is not None:
        cells = [_shrunk(cell, smoke) for cell in cells]  # which needs no published split
    else:
        for cell in cells:
            check_label_list(cell, resolver)
            check_weights(cell, resolver)
    return Grid(
        path=Path(path),
        name=Path(path).stem,
        title=page.title,
        axes=_values(axes, combinations),
        cells=cells,
        table=table,
        figure=figure,
        differences=differences,
        published=published,
        claims=claims,
        resolver=resolver,
    )


def shown_metrics(
    table: TableLayout, figure: FigureLayout | None, differences: Iterable[Difference]
) -> tuple[str, ...]:
    """Keys of all metrics that are shown, in the order of METRICS."""
    shown = {*table.metrics, *(metric for one in differences for metric in one.metrics)}
    if figure is not None:
        shown.add(figure.metric)
    return tuple(key for key in METRICS if key in shown)


def _scope(axes: Axes) -> dict[str, frozenset[Scalar]]:
    """What conditions may name: the axes, and the method, since a teacher's cell is supervised."""
    scope = axes.scope
    methods = scope.get("method", frozenset(METHODS))
    taught = any(method in TAUGHT for method in methods)
    return {**scope, "method": methods | {"supervised"} if taught else methods}


def _cell(values: Combination, resolver: Resolver) -> Cell:
    coordinates = resolver.coordinates(values)
    supervised = None
    if coordinates["method"] in TAUGHT:
        supervised = resolver.settings(resolver.teacher_coordinates(values))
    cell = Cell(values, resolver.settings(coordinates), supervised, coordinates)
    check_cell(cell, resolver)
    return cell


def _shrunk(cell: Cell, folder: Path) -> Cell:
    settings, supervised = smoke(cell.settings, folder, cell.supervised)
    return replace(cell, settings=settings, supervised=supervised)


def _values(axes: Axes, cells: list[Combination]) -> dict[str, tuple[Scalar, ...]]:
    return {name: tuple(dict.fromkeys(cell[name] for cell in cells)) for name in axes.names}


def _published(document: Document, page: GridFile) -> tuple[list[PublishedValue], Claims]:
    if page.published is None:
        return [], Claims()
    path = Path(document.name).parent / page.published
    if not path.is_file():
        document.fail(("published",), f"{page.published}: no such file beside the grid")
    return read_paper(path)
