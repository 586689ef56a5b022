"""What `--status` shows of each cell: where it stands, its AP, hours and job."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid
from gdsweep.plan.cells import CellStanding
from gdsweep.plan.cost import tail
from gdsweep.plan.hours import AttemptHours, ProcessorHours
from gdsweep.plan.job import Job
from gdsweep.plan.plan import Plan
from gdsweep.plan.planning import make_plan
from gdsweep.runs import RunDir, Store, last_attempt, lock
from gdsweep.runs.activity import Scoring, read_scoring

SILENT = 300.0
"""Seconds without a sign of life that are worth telling; an evaluation gives one every batch."""


@dataclass(frozen=True)
class Row:
    """One cell."""

    cell: str
    """In words."""
    standing: CellStanding
    """Where it stands."""
    validation_ap: float | None
    """Last validation AP of its own run, in percent; not read where the cell is scored."""
    delta: float | None
    """Its AP minus the published value."""
    hours: ProcessorHours
    """What its own run has taken so far."""
    job: Job | None
    """Job of `standing.run`: the pending or running one, or the last."""
    silent: float | None = None
    """Seconds since a running run last gave a sign of life; None of any other."""
    scoring: Scoring | None = None
    """The evaluation that a running run is at; None of any other."""

    @property
    def ap(self) -> float | None:
        """Its AP, or the last validation AP, in percent."""
        return self.standing.score.metrics.get("AP") if self.standing.score else self.validation_ap

    @property
    def state(self) -> str:
        """The cell's status, with the executor's word where that says more."""
        status, job = self.standing.status, self.job
        if job is None or status in ("done", "failed", "blocked", "damaged", "outdated"):
            return status
        if job.phase == "waiting":
            return "waiting"
        if self.silent is not None and self.silent > SILENT:
            return f"{status} (silent {self.silent / 60:.0f} min)"
        if self.scoring is not None:
            return str(self.scoring)
        explained = job.phase != "ended" or status in ("interrupted", "new")
        return f"{status} ({job.word})" if job.word and explained else status

    def to_json(self) -> dict[str, Any]:
        """The row as plain values."""
        standing = self.standing
        return {
            "cell": self.cell,
            "state": self.state,
            "status": standing.status,
            "why": standing.why,
            "run": standing.run,
            "iteration": standing.done,
            "total": standing.wanted,
            "eta": standing.seconds,
            "ap": self.ap,
            "final": standing.score is not None,
            "delta": self.delta,
            "hours": asdict(self.hours),
            "silent": self.silent,
            "scoring": self.scoring.model_dump() if self.scoring else None,
            "nodes": self.job.nodes if self.job else "",
            "job": self.job.id if self.job else "",
        }


@dataclass(frozen=True)
class Status:
    """All cells of some grids."""

    rows: list[Row]
    plan: Plan
    hours: ProcessorHours
    """What all runs have taken so far, each counted once."""

    def to_json(self) -> dict[str, Any]:
        """The status as plain values."""
        return {
            "cells": len(self.rows),
            "done": self.plan.cell_counts["done"],
            "hours": asdict(self.hours),
            "rows": [row.to_json() for row in self.rows],
        }


def read_status(
    grids: Sequence[Grid],
    graph: Graph,
    store: Store,
    jobs: Mapping[str, Job],
    ended: Callable[[Collection[str]], Mapping[str, Job]],
) -> Status:
    """The cells of `grids`, whose graph is `graph`, in order. Reads only.

    `jobs` are the pending and running jobs of runs; `ended` is asked for the last job of those that
    neither their files nor `jobs` explain.
    """
    plan = make_plan(graph, store, jobs)
    unexplained = {
        cell.run
        for cell in plan.cells
        if cell.status in ("interrupted", "new") and cell.run not in jobs
    }
    last = ended(unexplained) if unexplained else {}
    attempts = {name: _attempts(store.run(name)) for name in plan.runs}
    hours = {
        name: ProcessorHours(estimated=True) if known is None else known.total
        for name, known in attempts.items()
    }
    published = [
        known.get(place)
        for grid in grids
        for known in [grid.published_values()]
        for place in range(len(grid.cells))
    ]
    rows = []
    for (cell, name, _), standing, paper in zip(graph.results, plan.cells, published, strict=True):
        ap = standing.score.metrics.get("AP") if standing.score else None
        active = store.run(standing.run)
        running = standing.status == "running"
        rows.append(
            Row(
                cell=cell.label,
                standing=standing,
                validation_ap=None if standing.score else _validation_ap(store.run(name)),
                delta=None if ap is None or paper is None else ap - paper.reference,
                hours=hours[name],
                silent=_silent(active) if running else None,
                scoring=read_scoring(active) if running else None,
                job=standing.job
                or last.get(standing.run)
                or _recorded(active, attempts[standing.run]),
            )
        )
    return Status(rows, plan, sum(hours.values(), ProcessorHours()))


def _attempts(run: RunDir) -> AttemptHours | None:
    """The attempts at a run; None where one of their records cannot be read."""
    try:
        return AttemptHours(run)
    except BadInput:
        return None


def _silent(run: RunDir) -> float | None:
    sign = lock.last_sign(run.lock)
    return None if sign is None else max(0.0, time.time() - sign)


def _recorded(run: RunDir, attempts: AttemptHours | None) -> Job | None:
    """The job of a run's last attempt, from its record; None where that cannot be read."""
    try:
        # where an earlier one is damaged, the last may not be
        known = [last_attempt(run)] if attempts is None else attempts.attempts
    except BadInput:
        return None
    attempt = known[-1] if known else None
    if attempt is None:
        return None
    job, nodes = (str(attempt.process.get(key) or "") for key in ("job", "nodes"))
    return Job(job, "running" if attempt.ended is None else "ended", nodes=nodes)


def _validation_ap(run: RunDir) -> float | None:
    """The last validation AP of a run."""
    for line in reversed(tail(run.metrics, holding=b'"segm/AP"')):
        if isinstance(value := line.get("segm/AP"), (int, float)):
            return float(value)
    return None
