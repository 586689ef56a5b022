"""What a launch would do now, run by run and cell by cell, and what it would cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from gdsweep.cluster.cost import kind, seconds_per_iteration, tail
from gdsweep.cluster.slurm_queue import QueuedJob
from gdsweep.config import RunConfig
from gdsweep.errors import BadInput
from gdsweep.grid import Graph
from gdsweep.runs import Attempt, RunDir, Store, Wanted, read_state
from gdsweep.runs.state import missing
from gdsweep.runs.store import read_wanted

Status = Literal["new", "queued", "running", "interrupted", "failed", "blocked", "done"]
"""As a run's status; `blocked`: something it needs has failed; `queued`: a job of it waits."""

STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Source:
    """A checkpoint of one run that another run starts from."""

    run: str
    """The run that makes it."""
    at: int | str
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
    """Iterations still to be trained."""
    waits: tuple[Source, ...]
    """What it needs and is not there yet."""
    why: str | None = None
    """Of a failed run: the line that tells. Of a blocked one: the run that failed."""
    seconds: float | None = None
    """Seconds per iteration measured on runs of its kind; None where nothing was measured."""
    job: QueuedJob | None = None
    """Its job that SLURM has not finished with."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.config.run

    @property
    def processors(self) -> int:
        """GPUs it asks for, or CPU cores if it asks for no GPU."""
        resources = self.config.settings.resources
        return resources.nodes * (resources.gpus if self.on_gpus else resources.cpus)

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
    cells: list[Status]
    """State of each cell, in the grids' order."""
    unshared: dict[str, int]
    """Iterations of each run, counted once for every cell that needs them."""

    @property
    def counts(self) -> Counter[Status]:
        """Runs of each status."""
        return Counter(run.status for run in self.runs.values())

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
    def iterations_todo(self) -> int:
        """Iterations still to be trained."""
        return sum(run.todo for run in self.runs.values())

    @property
    def trains(self) -> bool:
        """Whether any run is to be trained; without, given weights are scored (`--eval-only`)."""
        return any(run.trains for run in self.runs.values())

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.counts["done"] == len(self.runs)

    def todo(self, retry: bool = False) -> list[PlannedRun]:
        """Runs a launch has to see to: to start, or to watch; failed ones only to `retry`."""
        leave = {"done"} if retry else {"done", "failed", "blocked"}
        return [run for run in self.runs.values() if run.status not in leave]

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values: counts of runs by status, totals, and one entry a run."""
        counts = self.counts
        return {
            "cells": len(self.cells),
            "trajectories": len(self.runs),
            **{status: counts[status] for status in STATUSES},
            "cells_by_status": {status: self.cells.count(status) for status in STATUSES},
            "iterations_planned": self.iterations_planned,
            "iterations_unshared": self.iterations_unshared,
            "iterations_todo": self.iterations_todo,
            "hours_planned": self.hours_planned,
            "hours_unshared": self.hours_unshared,
            "runs": [_entry(run) for run in self.runs.values()],
        }


def make_plan(graph: Graph, store: Store, jobs: Mapping[str, QueuedJob] | None = None) -> Plan:
    """Compare a graph with what exists. Reads only. Raises BadInput for a damaged record.

    `jobs` are the runs that SLURM has in hand.
    """
    jobs = jobs or {}
    existing = _names(store)
    runs: dict[str, PlannedRun] = {}
    for name, trajectory in graph.runs.items():
        sources = tuple(_source(graph, run, at) for run, at in trajectory.depends)
        run = _new(trajectory.config, graph.wanted[name], sources)
        if name in existing:
            run = _existing(run, store)
        if name in jobs:
            run = _in_hand(run, jobs[name], store)
        runs[name] = _waiting(run, store, runs)
    if any(run.todo for run in runs.values()):
        kinds = {name: kind(run.config) for name, run in runs.items() if run.trains}
        configs = (run.config for run in runs.values())
        seconds = seconds_per_iteration(store, configs, set(kinds.values()))
        for name, key in kinds.items():
            runs[name] = replace(runs[name], seconds=seconds.get(key))
    unshared = dict.fromkeys(runs, 0)
    for piece in (piece for chain in graph.chains.values() for piece in chain):
        unshared[piece.run] += piece.iterations
    return Plan(runs, _cells(graph, store, runs), unshared)


def not_there(sources: Iterable[Source], store: Store) -> tuple[Source, ...]:
    """Those of `sources` that are not on disk yet."""
    return tuple(source for source in sources if not _checkpoint(source, store).exists())


def failure_line(run: RunDir, attempt: Attempt | None) -> str:
    """Where a failed run tells why, and what: `runs/NAME/log.txt:LINE: message`."""
    if attempt is None or attempt.outcome != "failed":
        where, text = _last_words(run)
        return f"{where}: {text}"
    where = str(run.path / attempt.log) if attempt.log else str(run.log)
    return f"{where}: {attempt.message or attempt.cause or 'failed'}"


def _last_words(run: RunDir) -> tuple[str, str]:
    # a process that dies before it writes a record has still said something
    try:
        lines = run.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    told = [
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if any(map(str.isalnum, line))  # torchrun ends in a rule
    ]
    number, text = told[-1] if told else (1, "nothing was logged")
    return f"{run.log}:{number}", text


def _source(graph: Graph, run: str, at: int | str) -> Source:
    horizon = graph.runs[run].config.settings.schedule.iterations
    return Source(run, horizon if at == "final" else at)


def _checkpoint(source: Source, store: Store) -> Path:
    run = store.run(source.run)
    # best.json names the weights, and is written once they are settled
    return run.best if isinstance(source.at, str) else run.state(source.at)


def _new(config: RunConfig, wanted: Wanted, sources: tuple[Source, ...]) -> PlannedRun:
    first = config.parent.at if config.parent else 0
    stop = _stop(config, wanted)
    return PlannedRun(
        config, wanted, sources, "new", first, stop - first, first, stop, stop - first, ()
    )


def _existing(run: PlannedRun, store: Store) -> PlannedRun:
    """The run as its directory has it."""
    directory = store.run(run.name)
    state = read_state(directory, run.wanted)
    reached = max(run.first, min(state.iteration, run.stop))
    if not state.missing:  # it may still be held: it trains on for somebody else
        return replace(run, status="done", reached=reached, todo=0)
    # the trainer delivers what anybody wants, not only what these grids do
    everything = run.wanted.merged(read_wanted(directory))
    stop = _stop(run.config, everything)
    todo = _iterations_missing(directory, everything, stop, run.first)
    why = None
    if state.status == "running":
        reached = max(reached, min(_last_iteration(directory), stop))
        todo = min(todo, stop - reached)
    elif state.status == "failed":
        why = failure_line(directory, state.attempt)
    return replace(run, status=state.status, reached=reached, stop=stop, todo=todo, why=why)


def _in_hand(run: PlannedRun, job: QueuedJob, store: Store) -> PlannedRun:
    """The run as SLURM sees it, unless its files know better."""
    if run.status == "done":
        return run
    pending = job.state == "PENDING"
    if run.status == "failed" and not pending:
        attempt = read_state(store.run(run.name), run.wanted).attempt
        if attempt is not None and attempt.process.get("job") == job.id:
            return run  # its job is about to end
    return replace(run, status="queued" if pending else "running", why=None, job=job)


def _waiting(run: PlannedRun, store: Store, before: dict[str, PlannedRun]) -> PlannedRun:
    """The run with what it waits for, and blocked if that will not come."""
    if run.status in ("done", "running"):
        return run
    run = replace(run, waits=not_there(run.sources, store))
    if run.status in ("failed", "queued"):
        return run
    for parent in (before[source.run] for source in run.waits):
        if parent.status in ("failed", "blocked"):
            root = parent.name if parent.status == "failed" else parent.why
            return replace(run, status="blocked", why=root)
    return run


def _stop(config: RunConfig, wanted: Wanted) -> int:
    return config.settings.schedule.iterations if wanted.best else wanted.stop


def _iterations_missing(run: RunDir, wanted: Wanted, stop: int, first: int) -> int:
    """Iterations from the nearest state below the first thing missing to the last."""
    gone = missing(run, wanted)
    targets = [*gone.milestones, *([stop] if gone.stop or gone.best else [])]
    if not targets:
        return 0
    nearest = max((at for at in run.states() if at <= min(targets)), default=first)
    return max(0, max(targets) - max(nearest, first))


def _last_iteration(run: RunDir) -> int:
    lines = tail(run.metrics, 4096)
    return max((int(line.get("iteration") or 0) for line in lines[-1:]), default=0)


def _cells(graph: Graph, store: Store, runs: dict[str, PlannedRun]) -> list[Status]:
    moving = _moving(runs)
    cells: list[Status] = []
    for _, name, score in graph.results:
        status = runs[name].status
        if status != "done" and store.run(name).score(score).exists():
            status = "done"
        elif status in ("new", "queued") and name in moving:
            status = "running"
        cells.append(status)
    return cells


def _moving(runs: dict[str, PlannedRun]) -> set[str]:
    """Runs that are running, or need something that a running run is making."""
    moving: set[str] = set()
    for name, run in runs.items():
        if run.status == "running" or any(source.run in moving for source in run.waits):
            moving.add(name)
    return moving


def _names(store: Store) -> set[str]:
    try:
        return {path.name for path in store.root.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise BadInput(
            f"{store.root}: the store cannot be read ({error.strerror}); name a folder with --store"
        ) from None


def _entry(run: PlannedRun) -> dict[str, Any]:
    return {
        "run": run.name,
        "objective": run.config.objective,
        "status": run.status,
        "first": run.first,
        "reached": run.reached,
        "stop": run.stop,
        "todo": run.todo,
        "waits": [str(source) for source in run.waits],
        "why": run.why,
        "seconds_per_iteration": run.seconds,
        "unit": "GPU-hours" if run.on_gpus else "CPU-hours",
        "hours": run.hours,
        "job": run.job.id if run.job else None,
    }
