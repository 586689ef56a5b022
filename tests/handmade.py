"""Graphs written by hand, run by run, so that a test has exactly the shape it is about.

A run is `{"iterations": 40, "milestones": [20], "best": True, "parent": ["guided", 20],
"teacher": ["control", 20], "cpus": 1, ...}`; every run without `"cell": False` is a cell.
"""

import sys
from pathlib import Path
from typing import Any

from gdsweep.config import (
    CellSettings,
    CheckpointRef,
    MilestoneRef,
    ModelSettings,
    Objective,
    ResourceSettings,
    RunConfig,
    ScheduleSettings,
    ShapesData,
)
from gdsweep.grid import PublishedValue
from gdsweep.grid.cell import Cell
from gdsweep.grid.graph import Graph, Stretch
from gdsweep.grid.methods import Need
from gdsweep.grid.trajectory import Trajectory
from gdsweep.runs import ScoreRef, Store, Wanted

TRAINER = (sys.executable, str(Path(__file__).with_name("fake_trainer.py")))
"""Command of the fake trainer."""


def make_graph(runs: dict[str, dict[str, Any]]) -> Graph:
    """A graph of `runs`, given parents first."""
    graph = Graph()
    for name, entry in runs.items():
        config = _config(name, entry)
        graph.runs[name] = Trajectory(config, {"run": name, **entry})
        is_cell = entry.get("cell", True)
        score = ScoreRef(at="best" if entry.get("best") else "final", network="student")
        graph.wanted[name] = Wanted(
            stop=entry.get("stop", entry["iterations"]),
            milestones=tuple(entry.get("milestones", ())),
            best=entry.get("best", False),
            scores=(score,) if is_cell else (),
        )
        if is_cell:
            cell = Cell({"run": name}, config.settings)
            graph.results.append((cell, name, score))
            before, wanted = _before(graph, runs, name), graph.wanted[name]
            own = wanted.model_copy(update={"milestones": ()})
            graph.needs[cell] = [*before, Need(graph.runs[name], own)]
            graph.chains[cell] = [
                Stretch(need.trajectory.name, need.trajectory.start, need.wanted.stop)
                for need in graph.needs[cell]
            ]
    return graph


def make_store(graph: Graph, root: Path) -> Store:
    """A store with the directory of every run of `graph`, none begun."""
    store = Store(root)
    store.root.mkdir()
    for run in graph.runs.values():
        store.create(run.config, run.identity)
    return store


class Page:
    """As much of a Grid as a launch or a status asks for: its cells, and what is published."""

    resolver = None

    def __init__(self, graph: Graph, published: dict[str, PublishedValue] | None = None) -> None:
        self.cells = [cell for cell, _, _ in graph.results]
        self._published = published or {}

    def published_values(self) -> dict[int, PublishedValue]:
        """Place of a cell to its published value, by the run's name."""
        names = (cell.axes["run"] for cell in self.cells)
        return {i: self._published[n] for i, n in enumerate(names) if n in self._published}


def _before(graph: Graph, runs: dict[str, dict[str, Any]], name: str) -> list[Need]:
    """What a run needs of those before it."""
    found: list[Need] = []
    for key in ("teacher", "parent"):
        if key in runs[name]:
            other, at = runs[name][key]
            found += _before(graph, runs, other)
            exit_ = (
                Wanted(stop=at, milestones=(at,))
                if isinstance(at, int)
                else Wanted(stop=runs[other]["iterations"], best=True)
            )
            found.append(Need(graph.runs[other], exit_))
    return found


def _config(name: str, entry: dict[str, Any]) -> RunConfig:
    objective: Objective = "supervised"
    parent, teacher = None, None
    if "parent" in entry:
        objective = "self-distilled"
        parent = MilestoneRef(run=entry["parent"][0], at=entry["parent"][1])
    if "teacher" in entry:
        objective = "guided"
        teacher = CheckpointRef(run=entry["teacher"][0], at=entry["teacher"][1])
    resources = {key: entry[key] for key in ("gpus", "cpus", "nodes", "device") if key in entry}
    return RunConfig(
        run=name,
        objective=objective,
        parent=parent,
        teacher=teacher,
        settings=CellSettings(
            dataset=ShapesData(name="shapes"),
            model=ModelSettings(backbone=entry.get("backbone", "resnet18")),
            schedule=ScheduleSettings(iterations=entry.get("horizon", entry["iterations"])),
            resources=ResourceSettings(
                **{"gpus": 0, "cpus": 1, "checkpoint_period": 10, "log_period": 5, **resources}
            ),
        ),
    )
