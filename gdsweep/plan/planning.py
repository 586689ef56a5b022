"""How a plan comes about: a graph compared with the files of a store and with SLURM's queue."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.config import RunConfig
from gdsweep.errors import BadInput
from gdsweep.grid import Graph
from gdsweep.plan.cost import kind, seconds_per_iteration, tail
from gdsweep.plan.plan import Plan, PlannedRun, Source, Status
from gdsweep.runs import Attempt, RunDir, Store, Wanted, read_state
from gdsweep.runs.state import missing
from gdsweep.runs.store import read_wanted

if TYPE_CHECKING:
    from gdsweep.cluster.slurm.queue import QueuedJob


def make_plan(graph: Graph, store: Store, jobs: Mapping[str, "QueuedJob"] | None = None) -> Plan:
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


def _in_hand(run: PlannedRun, job: "QueuedJob", store: Store) -> PlannedRun:
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
