"""Runs that a store has under the name they had while files of weights were told by their place.

A name ends in the hash of an identity, so it moved when identities began to hold the content of a
file of backbone weights, or of a run directory of initial weights. Only who has the files knows
whether they are still what the run was trained from.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Trajectory, why
from gdsweep.grid.given_weights import given_weights
from gdsweep.grid.trajectory import trained_version
from gdsweep.runs import RunDir, Store, read_identity


def former_runs(graph: Graph, store: Store) -> list[str]:
    """One line for each run of `graph` that is not in the store, and may be under a former name."""
    former: dict[str, str] = {}
    for name, run in graph.runs.items():
        explained = _explained(run, former)
        if not explained or store.run(name).exists():
            continue
        for candidate in store.namesakes(name):
            if _is_former(run, candidate, explained):
                former[name] = candidate.name
    return [
        f"{store.root / old} may be {new}, from when weights were told by where they lie: if they "
        f"have not changed since, keep it with: mv {store.root / old} {store.root / new}"
        for new, old in former.items()
    ]


def _is_former(
    run: Trajectory, candidate: RunDir, explained: dict[str, Callable[[Any], bool]]
) -> bool:
    """Whether a directory's identity differs from the run's in nothing but how weights are told."""
    try:
        identity = read_identity(candidate)
    except BadInput:
        return False  # whatever it is, it is not told by this grid
    differing = why(identity, run.identity)
    return bool(differing) and all(
        key in explained and explained[key](old) for key, old, _ in differing
    )


def _explained(run: Trajectory, former: dict[str, str]) -> dict[str, Callable[[Any], bool]]:
    """Keys that may differ in a former identity, each with a test of the value it had."""
    config = run.config
    explained: dict[str, Callable[[Any], bool]] = {}
    for weights in given_weights(config.settings, config.objective):
        if not weights.once_by_place:
            continue
        explained["version"] = trained_version(config.settings).__eq__
        if weights.setting == "model.weights":
            explained["model.weights"] = _is_called(Path(weights.path).name)
        else:  # all files of a run, logs too: what they were cannot be known
            explained[weights.setting.removeprefix("distillation.")] = lambda old: True
    for key, ref in (
        ("parent.run", config.parent),
        ("teacher.run", config.teacher),
        ("initial.run", config.initial),
    ):
        if ref is not None and ref.run in former:
            explained[key] = former[ref.run].__eq__
    return explained


def _is_called(name: str) -> Callable[[Any], bool]:
    return lambda path: Path(str(path)).name == name
