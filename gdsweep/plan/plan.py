"""A plan: what a launch would do now, run by run and cell by cell, and what it would cost."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gdsweep.config import RunConfig
from gdsweep.plan.cells import CELL_STATUSES, CellStanding, CellStatus
from gdsweep.plan.job import Job
from gdsweep.runs import Wanted

Status = Literal[
    "new",
    "queued",
    "running",
    "interrupted",
    "failed",
    "blocked",
    "damaged",
    "outdated",
    "done",
]
"""Status of a run (see `progress`). `blocked`: a run it needs is failed, damaged or outdated.
`damaged`: a record of it cannot be read. `outdated`: it was trained on other data than the grid
names now."""

STATUSES: tuple[Status, ...] = get_args(Status)

UNUSABLE: frozenset[Status] = frozenset({"damaged", "outdated"})
"""A person has to look at the run before it, or what descends from it, may go on: no `--retry`."""


@dataclass(frozen=True)
class Source:
    """A checkpoint of one run that another run starts from."""

    run: str
    """The run that makes it."""
    at: int | Literal["best"]
    """Which of its checkpoints: an iteration's state, or `best`."""

    def __str__(self) -> str:
        return f"{self.run}@{self.at}"


@dataclass(frozen=True)
class PlannedRun:
    """One run of the plan."""

    config: RunConfig
    """What it trains."""
    wanted: Wanted
    """What these grids want from it."""
    sources: tuple[Source, ...]
    """All that it starts from."""
    status: Status
    """Where it stands."""
    first: int
    """Iteration it begins at: its parent's exit, or 0."""
    planned: int
    """Iterations these grids want of it, done or not."""
    reached: int
    """Iteration it has reached."""
    stop: int
    """Iteration it goes to; further than these grids want where others want more."""
    todo: int
    """Iterations still to be trained, for these grids and for others."""
    waits: tuple[Source, ...]
    """What it needs and is not there yet."""
    why: str | None = None
    """Log line that explains a failed run, what is wrong with a damaged or outdated one, or the run
    that blocks this one."""
    seconds: float | None = None
    """Seconds per iteration measured on runs of its kind; None where nothing was measured."""
    job: Job | None = None
    """Its pending or running job."""
    again: tuple[int, ...] = ()
    """Milestones it delivered once whose states were removed, and somebody needs them now."""
    left: int = 0
    """Iterations of `planned` still to be trained."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.config.run

    @property
    def for_others(self) -> int:
        """Iterations still to be trained that earlier launches want and these grids do not."""
        return min(self.todo, max(0, self.stop - self.first - self.planned))

    @property
    def processors(self) -> int:
        """GPUs it asks for; without GPUs it is one process, and these are its CPU cores."""
        resources = self.config.settings.resources
        return resources.nodes * resources.gpus if self.on_gpus else resources.cpus

    @property
    def unit(self) -> str:
        """Unit of its hours."""
        return "GPU-hours" if self.on_gpus else "CPU-hours"

    @property
    def on_gpus(self) -> bool:
        """Whether it asks for GPUs."""
        resources = self.config.settings.resources
        return resources.gpus > 0 and resources.device != "cpu"

    @property
    def trains(self) -> bool:
        """Whether these grids want training of it, or only scores of the weights it starts from."""
        return self.planned > 0

    @property
    def hours(self) -> float | None:
        """GPU-hours (CPU-hours without GPUs) still to be spent; None where nothing was measured."""
        if self.todo == 0:
            return 0.0
        if self.seconds is None:
            return None
        return self.todo * self.seconds * self.processors / 3600


@dataclass(frozen=True)
class Plan:
    """What a launch would do now."""

    runs: dict[str, PlannedRun]
    """All runs, parents before children."""
    cells: list[CellStanding]
    """Where each cell stands, in the grids' order."""
    unshared: dict[str, int]
    """Iterations of each run, counted once for every cell that needs them."""

    @property
    def counts(self) -> Counter[Status]:
        """Runs of each status."""
        return Counter(run.status for run in self.runs.values())

    @property
    def cell_counts(self) -> Counter[CellStatus]:
        """Cells of each status."""
        return Counter(cell.status for cell in self.cells)

    @property
    def iterations_planned(self) -> int:
        """Iterations of all runs, each trained once, done or not."""
        return sum(run.planned for run in self.runs.values())

    @property
    def iterations_unshared(self) -> int:
        """Iterations if every cell were trained on its own."""
        return sum(self.unshared.values())

    @property
    def hours_planned(self) -> float | None:
        """GPU-hours (CPU-hours without GPUs) of all runs, each trained once, done or not.

        None where the seconds of some run are not measured, or some runs ask for GPUs and some not.
        """
        return self._hours({name: run.planned for name, run in self.runs.items()})

    @property
    def hours_unshared(self) -> float | None:
        """The same if every cell were trained on its own."""
        return self._hours(self.unshared)

    def _hours(self, iterations: Mapping[str, int]) -> float | None:
        runs = [run for run in self.runs.values() if run.trains]
        if len({run.on_gpus for run in runs}) != 1 or any(run.seconds is None for run in runs):
            return None
        seconds = (iterations[r.name] * (r.seconds or 0.0) * r.processors for r in runs)
        return sum(seconds) / 3600

    @property
    def iterations_left(self) -> int:
        """Iterations of `iterations_planned` still to be trained."""
        return sum(run.left for run in self.runs.values())

    @property
    def iterations_todo(self) -> int:
        """Iterations still to be trained, for these grids and for others that share their runs."""
        return sum(run.todo for run in self.runs.values())

    @property
    def trains(self) -> bool:
        """Whether any run is to be trained; without, given weights are scored (`--eval-only`)."""
        return any(run.trains for run in self.runs.values())

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.counts["done"] == len(self.runs)

    @property
    def unusable(self) -> list[PlannedRun]:
        """Runs that a person has to look at: damaged, or trained on other data."""
        return [run for run in self.runs.values() if run.status in UNUSABLE]

    def blocked_by(self, names: Collection[str]) -> list[PlannedRun]:
        """Runs that some others block."""
        return [run for run in self.runs.values() if run.status == "blocked" and run.why in names]

    def todo(self, retry: bool = False) -> list[PlannedRun]:
        """Runs a launch has to see to: to start, or to watch; failed ones only to `retry`.

        Never those that are damaged or outdated, nor what they block.
        """
        leave: set[Status] = {"done", *UNUSABLE, *(() if retry else ("failed", "blocked"))}
        held = {run.name for run in self.blocked_by([run.name for run in self.unusable])}
        return [r for r in self.runs.values() if r.status not in leave and r.name not in held]

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values: counts of runs by status, totals, and one entry a run."""
        counts = self.counts
        return {
            "cells": len(self.cells),
            "trajectories": len(self.runs),
            **{status: counts[status] for status in STATUSES},
            "cells_by_status": {status: self.cell_counts[status] for status in CELL_STATUSES},
            "iterations_planned": self.iterations_planned,
            "iterations_unshared": self.iterations_unshared,
            "iterations_left": self.iterations_left,
            "iterations_todo": self.iterations_todo,
            "hours_planned": self.hours_planned,
            "hours_unshared": self.hours_unshared,
            "runs": [_entry(run) for run in self.runs.values()],
        }


def _entry(run: PlannedRun) -> dict[str, Any]:
    return {
        "run": run.name,
        "objective": run.config.objective,
        "status": run.status,
        "first": run.first,
        "reached": run.reached,
        "stop": run.stop,
        "left": run.left,
        "todo": run.todo,
        "waits": [str(source) for source in run.waits],
        "why": run.why,
        "seconds_per_iteration": run.seconds,
        "unit": run.unit,
        "hours": run.hours,
        "job": run.job.id if run.job else None,
    }
