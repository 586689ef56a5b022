"""Runs that a store has from when nothing was derived from a data set of one's own.

What a grid leaves open once had the published defaults and follows from the data now. Such a run is
still good, and is this grid's again as soon as the grid says what it was trained with.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid, why
from gdsweep.grid.yaml_lines import plain
from gdsweep.runs import Store, read_identity

_BURN_IN = "distillation.burn_in"


def underived_runs(grids: Iterable[Grid], graph: Graph, store: Store) -> list[str]:
    """One line for each set of values that would make runs of the store the grids' own."""
    open_keys = _derived_keys(grids, graph)
    former: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, keys in open_keys.items():
        if store.run(name).exists():
            continue
        for candidate in store.namesakes(name):
            try:
                identity = read_identity(candidate)
            except BadInput:
                continue  # whatever it is, it is not told by these grids
            values = _decided_before(identity, graph.runs[name].identity, keys, former)
            if values is not None:
                former[name] = candidate.name
                if values:
                    found.setdefault(_as_yaml(values), []).append(str(candidate.path))
    lines = []
    for text, runs in found.items():
        more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
        lines.append(
            f"{runs[0]}{more}: trained before settings followed from the data; the grid has them "
            f"again with `settings: {text}`"
        )
    return lines


def _derived_keys(grids: Iterable[Grid], graph: Graph) -> dict[str, set[str]]:
    """Each run of a cell with derived settings, parents first, and these settings' dotted names."""
    derived: dict[str, set[str]] = {}
    for grid in grids:
        for cell in grid.cells if grid.resolver is not None else ():
            resolver = grid.resolver
            assert resolver is not None
            keys = {".".join(target) for target in resolver.derived(cell.coordinates)}
            for need in graph.needs.get(cell, ()) if keys else ():
                derived.setdefault(need.trajectory.name, set()).update(keys)
    return {name: derived[name] for name in graph.runs if name in derived}


def _decided_before(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: set[str], former: Mapping[str, str]
) -> dict[str, Any] | None:
    """Derived settings with the values of an old identity; None if it differs in anything else."""
    values: dict[str, Any] = {}
    for key, before, _ in why(old, new):
        if key in ("parent.run", "teacher.run", "initial.run"):
            group = key.partition(".")[0]
            if former.get(new[group]["run"]) != before:
                return None
        elif key == "parent.at" and _BURN_IN in keys:
            values[_BURN_IN] = before
        elif key in keys:
            values[key] = before
        else:
            return None
    return values


def _as_yaml(values: Mapping[str, Any]) -> str:
    """`{model: {queries: 100}}` of dotted names."""
    groups: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        group, _, name = key.partition(".")
        groups.setdefault(group, {})[name] = value
    inner = (
        f"{group}: {{{', '.join(f'{name}: {plain(value)}' for name, value in of_group.items())}}}"
        for group, of_group in groups.items()
    )
    return f"{{{', '.join(inner)}}}"
