"""Settings blocks, flattened: one assignment per setting, each with its conditions and its line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from gdsweep.config.coco_format import CATALOG
from gdsweep.grid.between import Between
from gdsweep.grid.catalog import catalog_fault
from gdsweep.grid.messages import setting_fault
from gdsweep.grid.names import (
    BASICS,
    TEACHER_BACKBONE,
    VARIANT,
    Target,
    backbone_names,
    canonical,
    find,
    leaves,
    nearest,
    tree,
    unknown,
)
from gdsweep.grid.schema import Rule
from gdsweep.grid.timm_names import architectures, is_timm_name
from gdsweep.grid.yaml_lines import Document, Key, KeyPath, plain

Scalar = str | int | float | bool | None
Coordinates = Mapping[str, Scalar]
"""What a cell is told by: canonical axis name to value, the five basics always among them."""
Conditions = tuple[tuple[str, frozenset[Scalar]], ...]
Scope = Mapping[str, frozenset[Scalar] | None]
"""Names that conditions may use, each with its possible values (None: any)."""


@dataclass(frozen=True)
class Origin:
    """Where something was said."""

    document: Document
    path: KeyPath


@dataclass(frozen=True)
class Assignment:
    """`target` gets `value` in the cells where all conditions hold."""

    target: Target
    value: Any
    """The value, or a `Between` that has one for each value of its axis."""
    when: Conditions
    origin: Origin

    def value_at(self, coordinates: Coordinates) -> Any:
        """The value in the cell at `coordinates`."""
        if not isinstance(self.value, Between):
            return self.value
        place: Any = coordinates[self.value.axis]
        return self.value.at(place)

    def how_at(self, coordinates: Coordinates) -> str | None:
        """How the value in that cell was found, where it was not simply written down."""
        if not isinstance(self.value, Between):
            return None
        place: Any = coordinates[self.value.axis]
        return self.value.derivation(place)


@dataclass(frozen=True)
class Choice:
    """A `by`: every cell where `when` holds must have its values of `names` among `keys`."""

    names: tuple[str, ...]
    keys: frozenset[tuple[Scalar, ...]]
    when: Conditions
    origin: Origin


@dataclass
class Block:
    """A settings block or a list of rules, read."""

    assignments: list[Assignment] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    rules: list[tuple[Conditions, Origin]] = field(default_factory=list)

    def __add__(self, other: "Block") -> "Block":
        return Block(
            self.assignments + other.assignments,
            self.choices + other.choices,
            self.rules + other.rules,
        )


def holds(when: Conditions, coordinates: Coordinates) -> bool:
    """Whether all conditions hold."""
    return all(coordinates[name] in values for name, values in when)


def read_conditions(origin: Origin, when: Mapping[Any, Any], scope: Scope) -> Conditions:
    """Axis to value or values; all must hold. Raises BadInput for what can never match."""
    conditions = []
    for key, wanted in when.items():
        path = (*origin.path, key)
        name = read_axis_name(Origin(origin.document, path), key, scope)
        values = wanted if isinstance(wanted, list) else [wanted]
        possible = scope[name]
        for value in values:
            if not isinstance(value, Scalar):
                origin.document.fail(path, f"{plain(value)} is not a value or a list of values")
            if possible is not None and value not in possible:
                hint = nearest(plain(value), sorted(map(plain, possible)))
                origin.document.fail(path, f"{plain(value)} is no value of {name}{hint}")
        if not values:
            origin.document.fail(path, "an empty list can never match")
        conditions.append((name, frozenset(values)))
    return tuple(conditions)


def read_axis_name(origin: Origin, key: Key, scope: Iterable[str]) -> str:
    """The canonical name of an axis in scope. Raises BadInput otherwise."""
    target = find(key) if isinstance(key, str) else None
    if target is not None and canonical(target) in scope:
        return canonical(target)
    hint = nearest(key, scope)
    origin.document.fail(origin.path, f"{plain(key)} is no axis of this grid{hint}")


class Reader:
    """Reads the settings blocks of one file within one scope.

    `taken` maps settings that an axis varies to that axis: to set them too is a contradiction.
    `datasets` are the known data sets' names.
    """

    def __init__(
        self,
        document: Document,
        scope: Scope,
        datasets: Iterable[str],
        taken: Mapping[Target, str] | None = None,
        basics: bool = True,
    ) -> None:
        self.document = document
        self.scope = scope
        self.datasets = list(datasets)
        self.taken = taken or {}
        self.basics = basics

    def rules(self, path: KeyPath, rules: Iterable[Rule]) -> Block:
        """Rules in order."""
        total = Block()
        for index, rule in enumerate(rules):
            here = (*path, index)
            when = read_conditions(Origin(self.document, (*here, "when")), rule.when, self.scope)
            if not rule.set:
                self.document.fail((*here, "set"), "sets nothing")
            total += self.block((*here, "set"), rule.set, when)
            total.rules.append((when, Origin(self.document, here)))
        return total

    def block(self, path: KeyPath, block: Mapping[Any, Any], when: Conditions = ()) -> Block:
        """One settings block, under `when`."""
        total = Block()
        owners: dict[Target, KeyPath] = {}
        for key, value in block.items():
            part = Block()
            self._entry(part, (), key, value, (*path, key), when)
            for assignment in part.assignments:
                owner = owners.setdefault(assignment.target, (*path, key))
                if owner != (*path, key):
                    first = self.document.line(owner)
                    self.document.fail(
                        assignment.origin.path,
                        f"{canonical(assignment.target)} is set in line {first} already",
                    )
            total += part
        return total

    def _entry(
        self, out: Block, group: Target, key: Key, value: Any, path: KeyPath, when: Conditions
    ) -> None:
        """Add to `out` what one key of a block says, however deep it is written.

        `distillation: {burn_in: {by: labels, 1: 200, 5: 300}}` makes two assignments to
        `distillation.burn_in`, one with the condition labels 1 and one with labels 5; the short
        `burn_in: 200` makes one to the same setting. Raises BadInput for a key that there is not.
        """
        if isinstance(value, dict) and "between" in value:
            self._between(out, group, key, value, path, when)
            return
        if isinstance(value, dict) and "by" in value:
            for branch, branch_path, branch_when in self._branches(out, value, path, when):
                self._entry(out, group, key, branch, branch_path, branch_when)
            return
        child = (*group, str(key))
        short = find(key) if isinstance(key, str) and not group else None
        if child in tree() and (isinstance(value, dict) or short is None):
            if not isinstance(value, dict):
                inside = ", ".join(tree()[child])
                self.document.fail(path, f"{plain(value)} is not a mapping ({inside})")
            for inner, item in value.items():
                self._entry(out, child, inner, item, (*path, inner), when)
        elif child in leaves() or short is not None:
            self._leaf(out, short or child, value, path, when)
        elif group:
            elsewhere = find(key) if isinstance(key, str) else None
            hint = nearest(key, tree()[group])
            if elsewhere is not None and "did you mean" not in hint:
                hint = f"; did you mean {'.'.join(elsewhere)}?"
            self.document.fail(path, f"unknown key{hint}")
        else:
            self.document.fail(path, self._unknown(key))

    def _unknown(self, key: Key) -> str:
        hint = nearest(key, tree()[()])
        return f"unknown key{hint}" if "did you mean" in hint else unknown(key)

    def _branches(
        self, out: Block, value: dict[Key, Any], path: KeyPath, when: Conditions
    ) -> Iterator[tuple[Any, KeyPath, Conditions]]:
        names = read_by(self.document, path, value["by"], self.scope)
        found: list[tuple[Scalar, ...]] = []
        for keys, branch, branch_path in walk_by(self.document, value, names, path):
            found.append(keys)
            narrowed = tuple((n, frozenset([k])) for n, k in zip(names, keys, strict=True))
            yield branch, branch_path, (*when, *narrowed)
        out.choices.append(Choice(names, frozenset(found), when, Origin(self.document, path)))

    def _between(
        self,
        out: Block,
        group: Target,
        key: Key,
        value: dict[Key, Any],
        path: KeyPath,
        when: Conditions,
    ) -> None:
        """`{between: labels, 1: 20000, 5: 30000}`: one assignment, whose value is a `Between`."""
        at = (*path, "between")
        axis = read_axis_name(Origin(self.document, at), value["between"], self.scope)
        points: dict[float, int | float] = {}
        for place, number in value.items():
            if place == "between":
                continue
            if not _is_number(place) or place <= 0:
                self.document.fail((*path, place), f"{plain(place)} is no positive number")
            if not _is_number(number):
                self.document.fail((*path, place), f"{plain(number)} is no number")
            points[place] = number
        if not points:
            self.document.fail(path, f"has no value for any {axis}")
        for other in sorted(self.scope.get(axis) or (), key=plain):
            if not _is_number(other) or other <= 0:
                self.document.fail(at, f"{axis} has the value {plain(other)}, no positive number")
        before = len(out.assignments)
        for place, number in points.items():  # each is checked as the setting's own value
            self._entry(out, group, key, number, (*path, place), when)
        found = out.assignments[before:]
        del out.assignments[before:]
        between = Between(axis, tuple(sorted(points.items())))
        out.assignments.append(
            Assignment(found[0].target, between, when, Origin(self.document, path))
        )

    def _leaf(
        self, out: Block, target: Target, value: Any, path: KeyPath, when: Conditions
    ) -> None:
        if target in self.taken:
            self.document.fail(
                path, f"the axis {self.taken[target]} sets this already; remove one of the two"
            )
        if not self.basics and target in BASICS.values():
            self.document.fail(path, "the grid decides this, not a data set or backbone")
        if target == VARIANT:
            self.document.fail(path, "a variant sets nothing; make it an axis that rules ask for")
        if target == BASICS["method"] and any(name == "method" for name, _ in when):
            self.document.fail(path, "the method cannot depend on the method")
        wrong = value_fault(target, value, self.datasets)
        if wrong is not None:
            self.document.fail(path, wrong)
        out.assignments.append(Assignment(target, value, when, Origin(self.document, path)))


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_by(document: Document, path: KeyPath, entry: Any, scope: Iterable[str]) -> tuple[str, ...]:
    """The axes that the `by` of the mapping at `path` depends on."""
    path = (*path, "by")
    said = entry if isinstance(entry, list) else [entry]
    names = tuple(read_axis_name(Origin(document, path), name, scope) for name in said)
    if not names or len(set(names)) < len(names):
        document.fail(path, f"{plain(said)} must name one axis or more, each once")
    return names


def walk_by(
    document: Document, value: Mapping[Any, Any], names: tuple[str, ...], path: KeyPath
) -> Iterator[tuple[tuple[Scalar, ...], Any, KeyPath]]:
    """The branches of a `by`: keys (one per name), value, path."""
    branches: list[tuple[tuple[Scalar, ...], Any, KeyPath]] = [((), value, path)]
    for depth, name in enumerate(names):
        deeper = []
        for keys, branch, at in branches:
            if not isinstance(branch, dict):
                document.fail(at, f"{plain(branch)} is not a mapping from {name} to values")
            deeper += [
                ((*keys, key), item, (*at, key))
                for key, item in branch.items()
                if depth or key != "by"
            ]
        branches = deeper
    if not branches:
        document.fail(path, f"has no value for any {' and '.join(names)}")
    yield from branches


def value_fault(target: Target, value: Any, datasets: Iterable[str]) -> str | None:
    """Why the setting cannot have the value: data sets by name, backbones by the look of a name."""
    if target == BASICS["dataset"]:
        if isinstance(value, str) and value in datasets:
            return None
        if isinstance(value, str) and value.startswith(CATALOG):
            return catalog_fault(value)
        return f"no data set is called {plain(value)}{nearest(plain(value), datasets)}"
    if target == BASICS["backbone"] or (target == TEACHER_BACKBONE and value is not None):
        return backbone_fault(value)
    return setting_fault(target, value)


def backbone_fault(value: Any) -> str | None:
    """Why `value` cannot be a backbone's name."""
    if isinstance(value, str) and (value in backbone_names() or is_timm_name(value)):
        return None
    hint = nearest(plain(value), [*backbone_names(), *sorted(architectures())])
    return f"no backbone preset and no timm model is called {plain(value)}{hint}"
