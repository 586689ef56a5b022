"""Coordinates to settings: defaults, data set, backbone, grid, rules, axes; the later wins."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdsweep.config import CellSettings, DataSettings, DistillationSettings, Settings
from gdsweep.config.model import NO_FILE
from gdsweep.config.paths import beside
from gdsweep.config.set_statistics import SetStatistics, recorded_as
from gdsweep.grid.assignments import Assignment, Block, Choice, Coordinates, Origin, Scalar, holds
from gdsweep.grid.between import Between
from gdsweep.grid.derived import Derived, complete, derived_settings
from gdsweep.grid.expand import Axes, missing_branch
from gdsweep.grid.names import BASICS, Target, canonical, find, is_group
from gdsweep.grid.presets import Dataset, backbone, named_dataset
from gdsweep.grid.yaml_lines import Document

_FILES: tuple[Target, ...] = (
    ("labels", "file"),
    ("model", "weights"),
    ("model", "init"),
    ("distillation", "teacher", "init"),
)

_SECTIONS: dict[str, type[Settings]] = {
    name: info.annotation
    for name, info in CellSettings.model_fields.items()
    if is_group(info.annotation)
}


class Resolver:
    """Resolves the cells of one grid, every group of settings once per distinct input."""

    def __init__(
        self,
        document: Document,
        axes: Axes,
        block: Block,
        datasets: Mapping[str, Dataset],
        statistics: Mapping[str, SetStatistics] | None = None,
    ) -> None:
        self.document = document
        self.axes = axes
        self.block = block
        self.datasets = datasets
        self._statistics = statistics or {}
        self.folder = Path(document.name).resolve().parent
        self._reach: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._sections: dict[tuple[Any, ...], Settings] = {}
        self._data: dict[str, DataSettings] = {}

    def coordinates(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Axis values, and the basics that no axis gives."""
        found = dict(values)
        # the method first: what the grid says of the others may depend on it
        for name in sorted(BASICS, key="method".__ne__):
            if name not in found:
                found[name] = self._basic(name, found)
        return found

    def teacher_coordinates(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Coordinates of the supervised cell that teaches: the same other axes.

        Its backbone is another one where `distillation.teacher.of` names it.
        """
        found = self.coordinates(self.axes.supervised(values))
        distillation = self._section("distillation", self.coordinates(values))
        assert isinstance(distillation, DistillationSettings)
        backbone = distillation.teacher.of.backbone
        return found if backbone is None else {**found, "backbone": backbone}

    def _basic(self, name: str, coordinates: Coordinates) -> Scalar:
        value: Scalar = _default(BASICS[name])
        for assignment in self.block.assignments:
            if assignment.target == BASICS[name] and holds(assignment.when, coordinates):
                value = assignment.value_at(coordinates)
        if name == "dataset" and value is None:
            self.document.fail(("axes",), "names no data set; add `dataset: [shapes]`")
        return value

    def settings(self, coordinates: Coordinates) -> CellSettings:
        """All settings of the cell at `coordinates`. Raises BadInput where a `by` has no answer."""
        for choice in self._choices(coordinates):
            self._check_choice(choice, coordinates)
        values: dict[str, Any] = {name: self._section(name, coordinates) for name in _SECTIONS}
        values["method"] = coordinates["method"]
        values["seed"] = coordinates["seed"]
        values["variant"] = coordinates.get("variant", "")
        values["dataset"] = self._dataset(str(coordinates["dataset"]))
        # every value has been checked on its line: nothing is left to validate here
        settings = CellSettings.model_construct(**values)
        return complete(settings, self._derived(settings, coordinates))

    def derived(self, coordinates: Coordinates) -> dict[Target, Derived]:
        """What follows from a data set of the grid's own, of all that nobody decided."""
        values: dict[str, Any] = {name: self._section(name, coordinates) for name in _SECTIONS}
        data = self._dataset(str(coordinates["dataset"]))
        settings = CellSettings.model_construct(dataset=data, **values)
        return {one.target: one for one in self._derived(settings, coordinates)}

    def is_own(self, name: str) -> bool:
        """Whether a data set stands in the grid itself, and comes with no settings of a paper's."""
        origin = self.datasets[name].origin if name in self.datasets else None
        return origin is not None and origin.document is self.document

    def statistics(self, data: DataSettings) -> SetStatistics | None:
        """What settings of a data set of the grid's own follow from, None if they do not.

        Of its files, or where they are not seen here, what was recorded when they were.
        """
        if not self.is_own(data.name) or not data.derives:
            return None
        return data.statistics("train") or self._statistics.get(data.name)

    def tested(self, data: DataSettings) -> list[SetStatistics]:
        """Statistics of the validation and test images, as far as they are seen or recorded."""
        sets = (
            data.statistics(one) or self._statistics.get(recorded_as(data.name, one))
            for one in ("val", "test")
        )
        return [statistics for statistics in sets if statistics is not None]

    def recorded(self, name: str) -> SetStatistics | None:
        """What the store remembers of a data set, whatever its files hold now."""
        return self._statistics.get(name)

    def _derived(self, settings: CellSettings, coordinates: Coordinates) -> list[Derived]:
        found = self.statistics(settings.dataset)
        if found is None:
            return []
        decided = {
            assignment.target
            for assignment in self.layers(coordinates)
            if holds(assignment.when, coordinates)
        }
        decided |= {target for name in coordinates if (target := find(name)) is not None}
        tested = self.tested(settings.dataset)
        return derived_settings(settings, found, decided.__contains__, tested)

    def origin(self, target: Target, coordinates: Coordinates) -> Origin | None:
        """Where the value of a setting was decided; None for a default."""
        if canonical(target) in self.axes.names:
            return self.axes.origin(canonical(target))
        found = None
        for assignment in self.layers(coordinates):
            if assignment.target == target and holds(assignment.when, coordinates):
                found = assignment.origin
        return found

    def _extras(self, coordinates: Coordinates) -> tuple[Block, Block]:
        dataset = named_dataset(str(coordinates["dataset"]), self.datasets)
        return dataset.extras, backbone(str(coordinates["backbone"])).extras

    def layers(self, coordinates: Coordinates) -> Iterable[Assignment]:
        """All assignments that may reach a cell, the later winning: data set, backbone, grid."""
        dataset, network = self._extras(coordinates)
        return (*dataset.assignments, *network.assignments, *self.block.assignments)

    def _choices(self, coordinates: Coordinates) -> Iterable[Choice]:
        dataset, network = self._extras(coordinates)
        return (*dataset.choices, *network.choices, *self.block.choices)

    def _check_choice(self, choice: Choice, coordinates: Coordinates) -> None:
        key = tuple(coordinates[name] for name in choice.names)
        if key in choice.keys or not holds(choice.when, coordinates):
            return
        choice.origin.document.fail(
            choice.origin.path, missing_branch(choice.names, key, choice.keys)
        )

    def _section(self, name: str, coordinates: Coordinates) -> Settings:
        scope = (name, str(coordinates["dataset"]), str(coordinates["backbone"]))
        if scope not in self._reach:
            self._reach[scope] = self._reaching(name, coordinates)
        key = (*scope, *(coordinates[axis] for axis in self._reach[scope]))
        if key not in self._sections:
            self._sections[key] = self._build(name, coordinates)
        return self._sections[key]

    def _reaching(self, section: str, coordinates: Coordinates) -> tuple[str, ...]:
        """The names whose values this group of settings depends on."""
        names = {
            axis
            for assignment in self.layers(coordinates)
            if assignment.target[0] == section
            for axis, _ in assignment.when
        }
        names |= {
            assignment.value.axis
            for assignment in self.layers(coordinates)
            if assignment.target[0] == section and isinstance(assignment.value, Between)
        }
        names |= {name for name in coordinates if (find(name) or ("",))[0] == section}
        return tuple(sorted(names))

    def _build(self, section: str, coordinates: Coordinates) -> Settings:
        values = {
            assignment.target: assignment.value_at(coordinates)
            for assignment in self.layers(coordinates)
            if assignment.target[0] == section and holds(assignment.when, coordinates)
        }
        for name, value in coordinates.items():
            target = find(name)
            if target is not None and target[0] == section:
                values[target] = value
        if section == "model":
            values[BASICS["backbone"]] = backbone(str(coordinates["backbone"])).timm
        for target in _FILES:
            value = values.get(target)
            if isinstance(value, str) and value not in NO_FILE:
                values[target] = beside(value, self.folder)
        nested: dict[str, Any] = {}
        for target, value in values.items():
            place = nested
            for part in target[1:-1]:
                place = place.setdefault(part, {})
            place[target[-1]] = value
        return _SECTIONS[section].model_validate(nested)

    def _dataset(self, name: str) -> DataSettings:
        if name not in self._data:
            self._data[name] = named_dataset(name, self.datasets).data.rooted(self.folder)
        return self._data[name]


def _default(target: Target) -> Any:
    model: Any = CellSettings
    for part in target[:-1]:
        model = model.model_fields[part].annotation
    info = model.model_fields[target[-1]]
    return None if info.is_required() else info.get_default()
