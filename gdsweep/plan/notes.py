"""What a reader of a plan should know of settings that nobody wrote down, and of views."""

import re
from collections.abc import Iterable

from gdsweep.config import CellSettings
from gdsweep.grid import Cell, Grid
from gdsweep.grid.assignments import holds
from gdsweep.grid.names import canonical
from gdsweep.grid.yaml_lines import plain
from gdsweep.plan.views import view_warnings

_NORMALISING = re.compile(r"res(net|next)|regnet|efficientnet|densenet|mobilenet|hrnet|dla\d")
"""Families of backbones with batch normalisation; the others' `model.norm` is without effect."""


def plan_notes(grids: Iterable[Grid]) -> list[str]:
    """One line for each thing, however many cells it concerns.

    Values that were derived from a data set of one's own, values that were interpolated between a
    table's entries, own data whose files are not seen, batch statistics over fewer images than the
    recipe's, and views that differ (see `views`).
    """
    lines: dict[str, None] = {}
    for grid in grids:
        for cell in grid.cells:
            lines |= dict.fromkeys(_interpolated(grid, cell))
        for cell in grid.cells:
            lines |= dict.fromkeys(_published_length(grid, cell))
            lines |= dict.fromkeys(_normalised_together(cell.settings))
        own = {cell.settings.dataset.name: cell for cell in grid.cells if _is_own(grid, cell)}
        for name, cell in own.items():
            lines |= dict.fromkeys(_of_own_data(grid, name, cell))
        for cell in grid.cells:
            if cell.settings.dataset.name in own:
                lines |= dict.fromkeys(view_warnings(cell.settings))
    return list(lines)


def _is_own(grid: Grid, cell: Cell) -> bool:
    data = cell.settings.dataset
    return grid.resolver is not None and grid.resolver.is_own(data.name) and data.derives


def _of_own_data(grid: Grid, name: str, cell: Cell) -> list[str]:
    assert grid.resolver is not None
    found = grid.resolver.statistics(cell.settings.dataset)
    if found is None:
        return [
            f"{name}: its annotations are not seen here, so what the grid leaves open has the "
            "values published for COCO"
        ]
    before = grid.resolver.recorded(name)
    changed = (
        [f"{name}: its training annotations have changed since the last launch: {before} then"]
        if before not in (None, found)
        else []
    )
    derived = grid.resolver.derived(cell.coordinates)
    if not derived:
        return changed
    values = ", ".join(f"{canonical(t)} {plain(one.value)}" for t, one in derived.items())
    return [*changed, f"derived from {name} ({found}): {values}; --show CELL tells why"]


def _published_length(grid: Grid, cell: Cell) -> list[str]:
    """That own data of a kind from which nothing is derived have COCO's values."""
    resolver, data = grid.resolver, cell.settings.dataset
    if resolver is None or data.derives or not resolver.is_own(data.name):
        return []
    target = ("schedule", "iterations")
    layers = resolver.layers(cell.coordinates)
    decided = {one.target for one in layers if holds(one.when, cell.coordinates)}
    if target in decided or canonical(target) in resolver.axes.names:
        return []
    return [
        f"{data.name}: what the grid leaves open has the values published for COCO, iterations "
        f"{cell.settings.schedule.iterations:,} among them"
    ]


def _normalised_together(settings: CellSettings) -> list[str]:
    """That statistics are of fewer images than the recipe's, which has the whole batch's."""
    batch, resources = settings.batch, settings.resources
    name = settings.model.backbone.partition(".")[0]
    if settings.model.norm != "sync" or not _NORMALISING.search(name):
        return []
    gpus = resources.nodes * resources.gpus
    share = -(-batch.labelled // max(gpus, 1))
    at_once = min(batch.micro or share, share)
    together = min(at_once * max(gpus, 1), batch.labelled)
    if together == batch.labelled:
        return []
    where = f"{gpus} GPU{'s' * (gpus > 1)}" if gpus else "the CPU"
    return [
        f"{name}: batch normalisation (model.norm: sync) is over {together} image"
        f"{'s' * (together > 1)}, batch.micro {at_once} on {where}, where the recipe has "
        f"{batch.labelled}"
    ]


def _interpolated(grid: Grid, cell: Cell) -> list[str]:
    resolver = grid.resolver
    if resolver is None or cell.settings.method == "supervised":
        return []
    decided = {}
    for assignment in resolver.layers(cell.coordinates):
        if holds(assignment.when, cell.coordinates):
            decided[assignment.target] = assignment
    lines = []
    for target, assignment in decided.items():
        how = assignment.how_at(cell.coordinates)
        if how is not None and canonical(target) not in resolver.axes.names:
            value = plain(assignment.value_at(cell.coordinates))
            where = f"{cell.settings.dataset.name} at {cell.settings.labels.percent:.10g} %"
            lines.append(f"{canonical(target)} of {where} is {value}: {how}")
    return lines
