"""Every resolved setting of a cell, with the place that decided its value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from gdsweep.config import CellSettings, Settings
from gdsweep.grid.assignments import Assignment, holds
from gdsweep.grid.cell import Cell
from gdsweep.grid.names import BASICS, Target, canonical, leaves
from gdsweep.grid.resolve import Resolver
from gdsweep.grid.yaml_lines import Document, KeyPath

Source = Literal["default", "derived", "preset", "data set", "grid", "rule", "axis", "smoke"]
"""What kind of place decided a value. `default`: the settings' class. `derived`: what
a data set of one's own holds. `preset`: a shipped data set
or backbone. `data set`: an entry under the grid's `datasets`. `smoke`: the cell in miniature."""

_TARGETS: tuple[Target, ...] = tuple(target for target in leaves() if target != ("dataset",))


@dataclass(frozen=True)
class ResolvedSetting:
    """One setting of one cell."""

    name: str
    """Dotted: `distillation.burn_in`."""
    value: Any
    """As the trainer is told it; sequences are tuples."""
    source: Source
    """The kind of place that decided it."""
    where: str
    """That place: `grids/table3.yaml:12`, `preset coco:9`; empty for a default."""
    how: str = ""
    """How it was found there, in words, where it was not simply written down: interpolated."""
    supervised: Any = None
    """The value in the supervised cell that is the teacher, where it has another one."""
    differs: bool = False
    """Whether the teacher's value is another one."""


def resolved_settings(cell: Cell, resolver: Resolver) -> list[ResolvedSetting]:
    """Every setting of a cell in the order of the settings' classes, its data set first."""
    found = list(_dataset(cell, resolver))
    for target in _TARGETS:
        value = _value(cell.settings, target)
        source, where, how = _decided(target, cell, resolver)
        if value != _value(resolver.settings(cell.coordinates), target):
            source, where, how = "smoke", "", ""
        taught = value if cell.supervised is None else _value(cell.supervised, target)
        differs = taught != value and target != BASICS["method"]
        other = taught if differs else None
        found.append(ResolvedSetting(".".join(target), value, source, where, how, other, differs))
    return found


def _dataset(cell: Cell, resolver: Resolver) -> Iterator[ResolvedSetting]:
    """The data set's own fields, which stand in its preset or under the grid's `datasets`."""
    data = cell.settings.dataset
    entry = resolver.datasets.get(data.name)
    resolved = resolver.settings(cell.coordinates).dataset
    for name in type(data).model_fields:
        if name == "name":
            axis = resolver.axes.origin("dataset") if "dataset" in resolver.axes.names else None
            where = _place(axis.document, axis.path) if axis else ""
            yield ResolvedSetting("dataset.name", data.name, "axis" if axis else "grid", where)
            continue
        value: Any = getattr(data, name)
        value = value.model_dump(exclude_none=True) if isinstance(value, Settings) else value
        if data != resolved:
            yield ResolvedSetting(f"dataset.{name}", value, "smoke", "")
            continue
        origin = entry.origin if entry else None
        line = origin and (*origin.path, name) in origin.document.lines
        if origin is None or not line:
            yield ResolvedSetting(f"dataset.{name}", value, "default", "")
            continue
        source: Source = "data set" if origin.document is resolver.document else "preset"
        yield ResolvedSetting(
            f"dataset.{name}", value, source, _place(origin.document, (*origin.path, name))
        )


def _decided(target: Target, cell: Cell, resolver: Resolver) -> tuple[Source, str, str]:
    """The kind of place that decided a setting, where that is, and how if not simply so."""
    if canonical(target) in resolver.axes.names:
        origin = resolver.axes.origin(canonical(target))
        return "axis", _place(origin.document, origin.path), ""
    decided: Assignment | None = None
    for assignment in resolver.layers(cell.coordinates):
        if assignment.target == target and holds(assignment.when, cell.coordinates):
            decided = assignment
    if decided is None:
        if target == BASICS["backbone"]:
            return _decided_backbone(cell, resolver)
        derived = resolver.derived(cell.coordinates).get(target)
        if derived is not None:
            return "derived", f"derived from {cell.coordinates['dataset']}", derived.because
        return "default", "", ""
    document, path = decided.origin.document, decided.origin.path
    where = _place(document, path)
    how = decided.how_at(cell.coordinates) or ""
    if document is not resolver.document:
        return "preset", where, how
    if path[0] == "datasets":
        return "data set", where, how
    return ("rule" if path[0] == "rules" else "grid"), where, how


def _decided_backbone(cell: Cell, resolver: Resolver) -> tuple[Source, str, str]:
    # the coordinate is a preset's name; the setting is timm's
    name = str(cell.coordinates["backbone"])
    changed = resolver.settings(cell.coordinates).model.backbone != name
    return ("preset", f"preset {name}", "") if changed else ("default", "", "")


def _place(document: Document, path: KeyPath) -> str:
    return f"{document.name}:{document.line(path)}"


def _value(settings: CellSettings, target: Target) -> Any:
    value: Any = settings
    for part in target:
        value = getattr(value, part)
    return value.model_dump() if isinstance(value, Settings) else value
