"""Where every cell of a grid stands: files first, then one squeue, and one sacct if need be."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdsweep.cluster.slurm.ledger import Submission, latest, living
from gdsweep.cluster.slurm.queue import QueuedJob, history
from gdsweep.grid import Graph, Grid
from gdsweep.plan.cost import tail
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Attempt, RunDir, Store
from gdsweep.runs.records import Score, ScoreRef, read_record


@dataclass(frozen=True)
class Row:
    """One cell."""

    cell: str
    """In words."""
    state: str
    """As the plan has it, with SLURM's word where that says more."""
    run: str
    """The run that is working for it now, or the one that answers it."""
    iteration: int
    """Iterations trained of all that the cell needs."""
    total: int
    """Iterations it needs."""
    eta: float | None
    """Seconds of training left, where a pace was measured."""
    ap: float | None
    """The answer, or the last validation AP, in percent."""
    final: bool
    """Whether `ap` is the answer."""
    delta: float | None
    """The answer minus the published value."""
    hours: float
    """GPU-hours (CPU-hours) spent on the cell's run so far."""
    nodes: str
    """Where it runs, or ran last."""
    job: str
    """Its job, or its last one."""
    why: str | None
    """Of a failed or blocked cell: what went wrong."""


@dataclass(frozen=True)
class Status:
    """All cells of some grids."""

    rows: list[Row]
    plan: Plan
    spent: float
    """Hours of GPUs (of CPUs, where no run has GPUs) spent on all runs."""

    def to_json(self) -> dict[str, Any]:
        """The status as plain values."""
        return {
            "cells": len(self.rows),
            "done": self.plan.cells.count("done"),
            "hours_spent": self.spent,
            "rows": [vars(row) for row in self.rows],
        }


def read_status(
    grids: Sequence[Grid],
    graph: Graph,
    store: Store,
    submissions: Sequence[Submission],
    queued: Mapping[str, QueuedJob],
) -> Status:
    """The cells of `grids`, whose graph is `graph`, in order. Reads only; asks for one sacct."""
    plan = make_plan(graph, store, living(submissions, dict(queued)))
    last = _last_jobs(plan, submissions, queued)
    spent = {name: _hours(store.run(name), run) for name, run in plan.runs.items()}
    published = [
        known.get(place)
        for grid in grids
        for known in [grid.published_values()]
        for place in range(len(grid.cells))
    ]
    rows = []
    for (cell, name, ref), state, paper in zip(graph.results, plan.cells, published, strict=True):
        chain = [plan.runs[stretch.run] for stretch in graph.chain(cell)]
        active = _active(chain, plan.runs[name])
        job = last.get(active.name)
        score = _score(store.run(name), ref)
        answer = score.metrics.get("AP") if score else None
        reading = _reading(store.run(name))
        left = sum(run.todo for run in chain) if state != "done" else 0
        total = sum(max(s.iterations, 0) for s in graph.chain(cell))
        rows.append(
            Row(
                cell=cell.label,
                state=_state(state, active, job),
                run=active.name,
                iteration=max(0, total - left),
                total=total,
                eta=None if active.status == "failed" else _eta(chain),
                ap=answer if score else reading,
                final=score is not None,
                delta=None if answer is None or paper is None else answer - paper.AP,
                hours=spent[name],
                nodes=job.nodes if job else "",
                job=job.id if job else "",
                why=active.why or plan.runs[name].why,
            )
        )
    return Status(rows, plan, sum(spent.values()))


def _last_jobs(
    plan: Plan, submissions: Sequence[Submission], queued: Mapping[str, QueuedJob]
) -> dict[str, QueuedJob]:
    """Run to its newest job; accounting is asked for those that neither files nor queue explain."""
    found: dict[str, QueuedJob] = {}
    unknown: dict[str, tuple[str, float]] = {}
    for name, submission in latest(submissions).items():
        job = submission.job_of(name)
        if job is None or name not in plan.runs:
            continue
        found[name] = queued.get(job) or QueuedJob(job, "")
        if job not in queued and plan.runs[name].status not in ("done", "failed"):
            unknown[name] = (job, submission.created)
    if unknown:
        since = min(created for _, created in unknown.values())
        ended = history([job for job, _ in unknown.values()], since)
        for name, (job, _) in unknown.items():
            found[name] = ended.get(job, found[name])
    return found


def _active(chain: Sequence[PlannedRun], own: PlannedRun) -> PlannedRun:
    """The run of a cell's chain that something is to be told about."""
    if own.status == "done":
        return own
    for status in ("failed", "running", "queued", "interrupted"):
        for run in chain:
            if run.status == status:
                return run
    return own


def _state(state: str, active: PlannedRun, job: QueuedJob | None) -> str:
    """A cell's state; SLURM's word is added where it says more, known or not."""
    if state == "done":
        return state
    if active.job is not None:
        if active.status == "queued":
            if active.job.reason.startswith("Dependency"):
                return "waiting"
            reason = active.job.reason
            return f"queued ({reason})" if reason not in ("", "None", "Priority") else "queued"
        known = active.job.state in ("RUNNING", "COMPLETING")
        return "running" if known else f"running ({active.job.state})"
    if state == "blocked" and active.status == "failed":
        return "blocked"
    if job is not None and job.state and not job.alive and active.status in ("interrupted", "new"):
        return f"{state} ({job.state})"
    return state


def _eta(chain: Sequence[PlannedRun]) -> float | None:
    left = [run for run in chain if run.todo]
    if not left or any(run.seconds is None for run in left):
        return None
    return sum(run.todo * (run.seconds or 0.0) for run in left)


def _score(run: RunDir, ref: ScoreRef) -> Score | None:
    try:
        return read_record(run.score(ref), Score)
    except FileNotFoundError:
        return None


def _reading(run: RunDir) -> float | None:
    """The last validation AP of a run."""
    values = [line.get("segm/AP") for line in tail(run.metrics)]
    told = [float(value) for value in values if isinstance(value, (int, float))]
    return told[-1] if told else None


def _hours(directory: RunDir, run: PlannedRun) -> float:
    """Processor-hours of all attempts; one that was killed counts to its last sign of life."""
    total = 0.0
    paths = directory.attempts.glob("[0-9]*.json") if directory.attempts.is_dir() else []
    attempts = [read_record(path, Attempt) for path in sorted(paths)]
    newest = max((attempt.number for attempt in attempts), default=0)
    for attempt in attempts:
        end = attempt.ended
        if end is None and attempt.number == newest and run.status == "running":
            end = time.time()
        elif end is None:
            path = directory.attempt(attempt.number)
            end = path.stat().st_mtime
        processes = attempt.process.get("processes")
        each = 1 if run.on_gpus else run.config.settings.resources.cpus
        count = processes if isinstance(processes, int) else 1
        total += max(0.0, end - attempt.started) * count * each / 3600
    return total
