"""How a plan comes about: a graph compared with the files of a store and with pending jobs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gdsweep.config import RunConfig
from gdsweep.errors import BadInput
from gdsweep.grid import Graph
from gdsweep.plan.cells import cell_standings, unreadable
from gdsweep.plan.cost import kind, seconds_per_iteration
from gdsweep.plan.dataset_files import DataCheck
from gdsweep.plan.job import Job
from gdsweep.plan.plan import UNUSABLE, Plan, PlannedRun, Source
from gdsweep.plan.progress import failure_line, iterations_left, newest_iteration, run_status
from gdsweep.runs import Store, Wanted, missing, read_state, settled, sign_of
from gdsweep.runs.records import At


def make_plan(
    graph: Graph,
    store: Store,
    jobs: Mapping[str, Job] | None = None,
    only_these: bool = False,
) -> Plan:
    """Compare a graph with what exists. Reads only. Raises BadInput where the store cannot be read.

    A run whose records cannot be read, or that was trained on other data than its grid names now,
    is marked and holds up nothing but what descends from it. `jobs` are the pending and running
    jobs of runs. With `only_these` what earlier launches want of the graph's runs is let go.
    """
    jobs = jobs or {}
    existing = store.names()
    data = DataCheck(store)
    runs: dict[str, PlannedRun] = {}
    for name, trajectory in graph.runs.items():
        sources = tuple(_source(graph, run, at) for run, at in trajectory.depends)
        run = _new(trajectory.config, graph.wanted[name], sources)
        if name in existing or name in jobs:
            run = _begun(run, store, jobs.get(name), only_these, data)
        runs[name] = _waiting(run, store, runs, existing)
    _reopen(runs, store, existing)
    runs = _without_unusable(runs)
    measured: dict[str, float] = {}
    if any(run.todo for run in runs.values()):
        kinds = {name: _kind(run, runs) for name, run in runs.items() if run.trains}
        configs = (run.config for run in runs.values())
        seconds = seconds_per_iteration(store, configs, set(kinds.values()))
        for name, key in kinds.items():
            runs[name] = replace(runs[name], seconds=seconds.get(key))
        measured = {name: seconds[key] for name, key in kinds.items() if key in seconds}
    unshared = dict.fromkeys(runs, 0)
    for piece in (piece for chain in graph.chains.values() for piece in chain):
        unshared[piece.run] += piece.iterations
    return Plan(runs, cell_standings(graph, store, jobs, measured, data, existing), unshared)


def set_aside(plan: Plan, faults: Mapping[str, str], graph: Graph) -> Plan:
    """The plan of `graph` with some runs damaged, by what is wrong with each, and what descends
    from them blocked."""
    if not faults:
        return plan
    runs = {
        name: replace(run, status="damaged", why=faults[name]) if name in faults else run
        for name, run in plan.runs.items()
    }
    cells = []
    for (cell, _, _), standing in zip(graph.results, plan.cells, strict=True):
        spoiled = [n.trajectory.name for n in graph.needs[cell] if n.trajectory.name in faults]
        if spoiled and standing.status != "done":
            (name, *_) = spoiled
            standing = replace(standing, status="damaged", why=faults[name], run=name)
        cells.append(standing)
    return replace(plan, runs=_without_unusable(runs), cells=cells)


def not_there(
    sources: Iterable[Source], store: Store, existing: Collection[str] | None = None
) -> tuple[Source, ...]:
    """Those of `sources` that are not on disk yet. `existing` is `store.names()`, if known."""
    return tuple(
        source
        for source in sources
        if (existing is not None and source.run not in existing)
        or not sign_of(store.run(source.run), source.at).exists()
    )


def _kind(run: PlannedRun, runs: Mapping[str, PlannedRun]) -> str:
    teacher = run.config.teacher
    return kind(run.config, None if teacher is None else runs[teacher.run].config)


def _source(graph: Graph, run: str, at: At) -> Source:
    horizon = graph.runs[run].config.settings.schedule.iterations
    return Source(run, settled(at, horizon))


def _new(config: RunConfig, wanted: Wanted, sources: tuple[Source, ...]) -> PlannedRun:
    first = config.parent.at if config.parent else 0
    stop = _stop(config, wanted)
    return PlannedRun(
        config=config,
        wanted=wanted,
        sources=sources,
        status="new",
        first=first,
        planned=stop - first,
        reached=first,
        stop=stop,
        todo=stop - first,
        waits=(),
        left=stop - first,
    )


def _begun(
    run: PlannedRun, store: Store, job: Job | None, only_these: bool, data: DataCheck
) -> PlannedRun:
    """The run as its directory has it, and its job where it has one."""
    try:
        fault = data.fault(run.config)
        run = _as_recorded(run, store, job, only_these)
    except (BadInput, OSError) as error:
        return replace(run, status="damaged", why=unreadable(error))
    return run if fault is None else replace(run, status="outdated", why=fault)


def _as_recorded(run: PlannedRun, store: Store, job: Job | None, only_these: bool) -> PlannedRun:
    directory = store.run(run.name)
    state = read_state(directory, run.wanted)
    reached = max(run.first, min(state.iteration, run.stop))
    status = run_status(state, job)
    if status == "done":
        return replace(run, status="done", reached=reached, todo=0, left=0)
    left = iterations_left(directory, state, run.wanted, run.first, run.stop)
    # the trainer delivers what anybody wants, not only what these grids do
    everything = run.wanted if only_these else run.wanted.merged(state.earlier)
    stop = _stop(run.config, everything)
    state = replace(state, missing=missing(directory, everything))
    if state.status == "running":
        reached = max(reached, min(newest_iteration(directory), stop))
    return replace(
        run,
        status=status,
        reached=reached,
        stop=stop,
        todo=iterations_left(directory, state, everything, run.first, stop),
        left=left,
        why=failure_line(directory, state.attempt) if status == "failed" else None,
        job=job if status in ("queued", "running") else None,
    )


def _reopen(runs: dict[str, PlannedRun], store: Store, existing: Collection[str]) -> None:
    """Let finished runs go back for states that were removed and are needed by what is left."""
    for run in reversed(list(runs.values())):
        run = runs[run.name]
        for source in not_there(run.sources, store, existing) if run.status != "done" else ():
            parent, own = runs[source.run], run.config.parent
            if parent.status != "done" or isinstance(source.at, str):
                continue
            forked = own is not None and (own.run, own.at) == (source.run, source.at)
            if forked and store.run(run.name).states():
                continue  # it has begun: it needs its parent's state no more
            nearest = max(
                (n for n in store.run(parent.name).states() if n <= source.at), default=parent.first
            )
            runs[parent.name] = replace(
                parent,
                status="interrupted",
                again=(*parent.again, source.at),
                todo=max(parent.todo, source.at - nearest),
            )
    for name, run in runs.items():
        if run.status in ("interrupted", "new"):
            runs[name] = _waiting(run, store, runs, existing)


def _without_unusable(runs: Mapping[str, PlannedRun]) -> dict[str, PlannedRun]:
    """The runs with all blocked that descend from one that is damaged or outdated.

    Even where the checkpoint they need is there: nobody knows what it is worth. What is done, or in
    the queue already, stays as it is.
    """
    found: dict[str, PlannedRun] = {}
    roots: dict[str, str] = {}
    for name, run in runs.items():
        if run.status in UNUSABLE:
            roots[name] = name
        else:
            root = next((roots[s.run] for s in run.sources if s.run in roots), None)
            if root is not None:
                roots[name] = root
                if run.status in ("new", "interrupted", "failed", "blocked"):
                    run = replace(run, status="blocked", why=root)
        found[name] = run
    return found


def _waiting(
    run: PlannedRun, store: Store, before: dict[str, PlannedRun], existing: Collection[str]
) -> PlannedRun:
    """The run with what it waits for, and blocked if that will not come."""
    if run.status in ("done", "running", *UNUSABLE):
        return run
    run = replace(run, waits=not_there(run.sources, store, existing))
    if run.status in ("failed", "queued"):
        return run
    for parent in (before[source.run] for source in run.waits):
        if parent.status in ("failed", "blocked"):
            root = parent.name if parent.status == "failed" else parent.why
            return replace(run, status="blocked", why=root)
    return run


def _stop(config: RunConfig, wanted: Wanted) -> int:
    return config.settings.schedule.iterations if wanted.best else wanted.stop
