"""Axes to combinations: products, joint axes, axes that depend on others, exceptions."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gdsweep.grid.assignments import (
    Conditions,
    Origin,
    Scalar,
    holds,
    read_by,
    read_conditions,
    value_fault,
    walk_by,
)
from gdsweep.grid.names import Target, canonical, find, unknown
from gdsweep.grid.yaml_lines import Document, Key, KeyPath, dotted, plain

Row = tuple[Scalar, ...]
Combination = dict[str, Scalar]
"""Canonical axis name to value."""

MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class Group:
    """One key under `axes`: an axis, or several joint ones."""

    path: KeyPath
    names: tuple[str, ...]
    by: tuple[str, ...]
    rows: dict[tuple[Scalar, ...], list[Row]]
    """Rows by the values of `by`; one entry `()` where there is no `by`."""

    @cached_property
    def values(self) -> list[frozenset[Scalar]]:
        """Every value each of its axes can take."""
        every = [row for rows in self.rows.values() for row in rows]
        return [frozenset(row[i] for row in every) for i in range(len(self.names))]


class Axes:
    """The axes of a grid. Raises BadInput on construction where they are wrong."""

    def __init__(self, document: Document, entries: Mapping[Any, Any], datasets: Collection[str]):
        self.document = document
        self.datasets = datasets
        if not entries:
            document.fail(("axes",), "has no axis; one at least, such as `method: [guided]`")
        keys: dict[Key, tuple[str, ...]] = {}
        owners: dict[str, Key] = {}
        for key in entries:
            keys[key] = self._names(key)
            for name in keys[key]:
                if name in owners:
                    line = document.line(("axes", owners[name]))
                    document.fail(("axes", key), f"the axis {name} is given in line {line} already")
                owners[name] = key
        self.names = tuple(owners)
        self.groups = [self._group(key, keys[key], entries[key]) for key in entries]
        self.order = self._order()

    @property
    def targets(self) -> dict[Target, str]:
        """The settings that axes vary, each with its axis."""
        found = ((find(name), name) for name in self.names)
        return {target: name for target, name in found if target is not None}

    @property
    def scope(self) -> dict[str, frozenset[Scalar]]:
        """Every axis with the values it can take."""
        return {
            n: v for group in self.groups for n, v in zip(group.names, group.values, strict=True)
        }

    def origin(self, name: str) -> Origin:
        """Where an axis is given."""
        return Origin(self.document, next(g.path for g in self.groups if name in g.names))

    def _names(self, key: Key) -> tuple[str, ...]:
        names = []
        for word in str(key).split(",") if isinstance(key, str) else [plain(key)]:
            target = find(word.strip())
            if target is None:
                self.document.fail(("axes", key), unknown(word.strip()))
            names.append(canonical(target))
        return tuple(names)

    def _group(self, key: Key, names: tuple[str, ...], entry: Any) -> Group:
        path: KeyPath = ("axes", key)
        if not isinstance(entry, dict):
            return Group(path, names, (), {(): self._rows(path, names, entry)})
        if "by" not in entry:
            self.document.fail(path, "a mapping here needs `by: axis`; otherwise give a list")
        by = read_by(self.document, path, entry["by"], self.names)
        if set(by) & set(names):
            self.document.fail((*path, "by"), "an axis cannot depend on itself")
        rows = {
            keys: self._rows(at, names, branch if isinstance(branch, list) else [branch])
            for keys, branch, at in walk_by(self.document, entry, by, path)
        }
        return Group(path, names, by, rows)

    def _rows(self, path: KeyPath, names: tuple[str, ...], entry: Any) -> list[Row]:
        if not isinstance(entry, list):
            self.document.fail(
                path, f"{plain(entry)} is not a list of values; write [{plain(entry)}]"
            )
        if not entry:
            self.document.fail(path, "an axis needs one value at least")
        rows: list[Row] = []
        for index, item in enumerate(entry):
            at = (*path, index)
            if len(names) > 1 and (not isinstance(item, list) or len(item) != len(names)):
                self.document.fail(
                    at,
                    f"{plain(item)} is not a row of {len(names)} values ({', '.join(names)})",
                    show=dotted(path),
                )
            row = tuple(item) if len(names) > 1 else (item,)
            for name, value in zip(names, row, strict=True):
                self._check(name, value, at, path)
            if row in rows:
                self.document.fail(at, f"{plain(item)} is given twice", show=dotted(path))
            rows.append(row)
        return rows

    def _check(self, name: str, value: Any, at: KeyPath, path: KeyPath) -> None:
        target = find(name)
        assert target is not None
        wrong = value_fault(target, value, self.datasets)
        if wrong is None and not isinstance(value, Scalar):
            wrong = f"{plain(value)} is a list; an axis takes single values"
        if wrong is not None:
            self.document.fail(at, wrong, show=dotted(path))

    def _order(self) -> list[Group]:
        """Groups so that each comes after those it depends on."""
        ordered: list[Group] = []
        waiting = list(self.groups)
        while waiting:
            known = {name for group in ordered for name in group.names}
            ready = next((g for g in waiting if set(g.by) <= known), None)
            if ready is None:
                circle = ", ".join(name for g in waiting for name in g.names)
                self.document.fail((*waiting[0].path, "by"), f"axes depend on each other: {circle}")
            ordered.append(ready)
            waiting.remove(ready)
        return ordered

    def combinations(self) -> list[Combination]:
        """All combinations, the first axis varying slowest."""
        largest = math.prod(max(map(len, g.rows.values())) for g in self.groups)
        if largest > MAX_CELLS:
            self.document.fail(("axes",), f"up to {largest} cells; {MAX_CELLS} at most")
        found = list(self._extend({}, (0,) * len(self.groups), 0))
        if self.order != self.groups:
            found.sort(key=lambda pair: pair[1])
        return [{name: values[name] for name in self.names} for values, _ in found]

    def _extend(
        self, values: Combination, places: tuple[int, ...], depth: int
    ) -> Iterator[tuple[Combination, tuple[int, ...]]]:
        """Every combination that begins with `values`, and the place of its row in each group.

        Groups dataset [coco, shapes] and labels [1, 5], and `{dataset: shapes}` at places (1, 0),
        one group deep: `{dataset: shapes, labels: 1}` at (1, 0), then `labels: 5` at (1, 1).
        """
        if depth == len(self.order):
            yield values, places
            return
        group = self.order[depth]
        slot = self.groups.index(group)
        for place, row in enumerate(self._choose(group, values)):
            here = (*places[:slot], place, *places[slot + 1 :])
            yield from self._extend(
                {**values, **dict(zip(group.names, row, strict=True))}, here, depth + 1
            )

    def _choose(self, group: Group, values: Combination) -> Sequence[Row]:
        key = tuple(values[name] for name in group.by)
        if key not in group.rows:
            self.document.fail(group.path, missing_branch(group.by, key, group.rows))
        return group.rows[key]

    def supervised(self, values: Mapping[str, Scalar]) -> Combination:
        """The same combination with `method: supervised`: the cell whose run is the teacher.

        An axis that goes with the method takes its supervised value: its own where it has it, else
        the only one. Raises BadInput where there are several to choose from.
        """
        found: Combination = {**values, "method": "supervised"}
        for group in self.order:
            if "method" in group.names:
                rows = [r for rows in group.rows.values() for r in rows if "supervised" in r]
            elif group.by:
                rows = group.rows.get(tuple(found.get(name) for name in group.by), [])
            else:
                continue
            own = tuple(found[name] for name in group.names)
            if own in rows or not rows:
                continue
            if len(rows) > 1:
                several = ", ".join(plain(row if len(row) > 1 else row[0]) for row in rows)
                self.document.fail(
                    group.path,
                    f"which supervised cell teaches {plain(values)} is open: {several} all could; "
                    f"give it one of these, or supervised only one",
                )
            found.update(zip(group.names, rows[0], strict=True))
        return found


def missing_branch(
    names: Sequence[str], key: tuple[Scalar, ...], present: Collection[tuple[Scalar, ...]]
) -> str:
    """Why a `by` cannot be answered."""
    wanted = ", ".join(f"{name} {plain(value)}" for name, value in zip(names, key, strict=True))
    have = ", ".join(" ".join(plain(value) for value in keys) for keys in list(present)[:12])
    return f"has no value for {wanted} (only for {have})"


def without(
    document: Document, entries: Sequence[Mapping[Any, Any]], axes: Axes, cells: list[Combination]
) -> list[Combination]:
    """The combinations that no entry of `except` matches. Raises BadInput for an idle entry."""
    conditions: list[Conditions] = []
    for index, entry in enumerate(entries):
        path = ("except", index)
        when = read_conditions(Origin(document, path), entry, axes.scope)
        if not when:
            document.fail(path, "names no axis, so it would leave out every cell")
        if not any(holds(when, cell) for cell in cells):
            document.fail(path, "matches no cell")
        conditions.append(when)
    left = [cell for cell in cells if not any(holds(when, cell) for when in conditions)]
    if not left:
        document.fail(("except",), "leaves no cell at all")
    return left


def _show(path: KeyPath) -> str:
    """A list's items are told by the list's own key."""
    from gdsweep.grid.yaml_lines import dotted

    return dotted(path)
