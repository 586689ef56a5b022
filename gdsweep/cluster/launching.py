"""One launch: grids to a plan, the plan to runs, and what came of it."""

import sys
from collections.abc import Sequence
from itertools import islice

from rich.console import Console

from gdsweep.cluster.executor import Options, Outcome, open_executor, print_left
from gdsweep.cluster.miniatures import write_miniatures
from gdsweep.cluster.trainer import TRAINER
from gdsweep.config.set_statistics import SetStatistics, recorded_as
from gdsweep.errors import BAD_INPUT, DONE, FAILED, BadInput
from gdsweep.grid import Graph
from gdsweep.plan.former_runs import former_runs
from gdsweep.plan.job import Job
from gdsweep.plan.locations import missing_packages, unknown_places
from gdsweep.plan.memory import fit
from gdsweep.plan.notes import plan_notes
from gdsweep.plan.outlook import outlook
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.plan_text import print_plan
from gdsweep.plan.planning import make_plan, set_aside
from gdsweep.plan.request import Request
from gdsweep.plan.screen import say
from gdsweep.plan.underived_runs import underived_runs
from gdsweep.runs import Store, reopen
from gdsweep.runs.data_statistics import record_statistics

LISTED = 12
"""Jobs, and runs that are left alone, that are named one by one."""


def launch(
    request: Request,
    options: Options,
    console: Console,
    *,
    trainer: Sequence[str] = TRAINER,
) -> tuple[int, Plan, Outcome]:
    """Plan the grids together and execute what is missing.

    Returns the exit code, the plan as it stands at the end, and what was done. Raises BadInput
    before anything is written, unless it is the writing that is impossible.
    """
    executor = open_executor(request, options, trainer)
    request, store = executor.request, executor.store
    graph = request.graph
    plan = make_plan(graph, store, executor.jobs(), options.forget_earlier)
    _check_trains_nothing(plan, request, options)
    executor.tend(plan, console)
    todo = executor.todo(plan)
    if not options.dry_run and not todo:
        return _nothing_to_do(plan, console), plan, Outcome()
    print_plan(plan, console, outlook(plan, todo, executor.at_once(todo)) if todo else "")
    say(console, _store_line(store))
    executor.preview(plan, console)
    configs = [run.config for run in todo]
    unknown = [*unknown_places(configs, store.miniatures), *missing_packages(configs)]
    _, large = fit(todo, executor.card)
    earlier = (*former_runs(graph, store), *underived_runs(request.grids, graph, store))
    for line in (*plan_notes(request.grids), *large, *unknown, *earlier):
        say(console, line, "yellow")
    if options.dry_run:
        return DONE, plan, Outcome()
    say(console, executor.place(todo))
    starting = sum(run.status != "running" for run in todo)
    if not starting:
        console.print("nothing to start: watching what another launch trains")
    elif not options.yes and not _agreed(starting, console):
        console.print("nothing was started")
        return FAILED, plan, Outcome()
    store.check_writable()
    with executor.alone() as jobs:
        plan = make_plan(
            graph, store, jobs, options.forget_earlier
        )  # as it is now that nobody else submits
        todo = fit(executor.todo(plan), executor.card)[0]
        faults = prepare(graph, store, todo, plan.unusable, options.forget_earlier)
        plan = set_aside(plan, faults, graph)
        outcome = executor.submit(plan, executor.todo(plan), console)
    queued = {run: Job(job, "queued") for run, job in outcome.submitted.items()}
    after = set_aside(make_plan(graph, store, {**jobs, **queued}), faults, graph)
    if outcome.submitted or outcome.left or outcome.refused:
        return (
            _tell_submitted(after, outcome, request.command("launch", "--status"), console),
            after,
            outcome,
        )
    return _conclude(after, outcome, request.command("collect"), console), after, outcome


def _store_line(store: Store) -> str:
    """Where the runs are: another folder is another store, and trains everything anew."""
    place = store.root.resolve()
    return f"store {place}" if place.is_dir() else f"store {place} (not there yet)"


def _check_trains_nothing(plan: Plan, request: Request, options: Options) -> None:
    """The trainer delivers what anybody wants: --eval-only must not go on with a training."""
    for run in plan.todo(options.retry) if request.mode == "eval-only" else ():
        if run.todo:
            raise BadInput(
                f"{run.name}: an earlier launch wants {run.todo:,} iterations of it, and "
                "--eval-only trains nothing; launch without it, or name another --store"
            )


def prepare(
    graph: Graph,
    store: Store,
    todo: Sequence[PlannedRun],
    unusable: Sequence[PlannedRun] = (),
    forget_earlier: bool = False,
) -> dict[str, str]:
    """Make the directories of runs to start, and note what is wanted from every run.

    What is `unusable` is not touched. Returns what is wrong with runs whose configuration or wishes
    turn out to be damaged, by run. Raises BadInput where the store cannot be written; every
    directory is whole or not there.
    """
    store.check_writable()
    write_miniatures(store, todo)
    faults: dict[str, str] = {}
    untouched = {run.name for run in unusable}
    try:
        record_statistics(store, _statistics(todo))
        for run in todo:
            try:
                store.create(run.config, graph.runs[run.name].identity)
                reopen(store.run(run.name), run.again)
            except BadInput as error:
                faults[run.name] = str(error)
        for name, wanted in graph.wanted.items():
            if name in untouched or name in faults or not store.run(name).exists():
                continue
            try:
                store.want(store.run(name), wanted, only=forget_earlier)
            except BadInput as error:
                faults[name] = str(error)
    except OSError as error:
        raise BadInput(f"{store.root}: the store cannot be written ({error.strerror})") from None
    return faults


def _statistics(todo: Sequence[PlannedRun]) -> dict[str, SetStatistics]:
    """What settings may follow from, of the data sets of some runs, where their files are seen."""
    own = {run.config.settings.dataset.name: run.config.settings.dataset for run in todo}
    found = {
        recorded_as(name, image_set): data.statistics(image_set)
        for name, data in own.items()
        if data.derives
        for image_set in ("train", "val", "test")
    }
    return {name: statistics for name, statistics in found.items() if statistics is not None}


def _nothing_to_do(plan: Plan, console: Console) -> int:
    done, total = plan.cell_counts["done"], len(plan.cells)
    unusable = _tell_unusable(plan, console)
    if plan.done:
        console.print(f"nothing to do: {done} of {total} cells are done")
        return FAILED if unusable else DONE
    console.print(f"nothing to start: {done} of {total} cells are done")
    in_hand = plan.counts["queued"] + plan.counts["running"]
    failed = {r.name: r.why or "" for r in plan.runs.values() if r.status == "failed"}
    if in_hand:
        console.print(f"{in_hand} runs are queued or running already")
        if not failed and not unusable:
            return DONE
    _tell_failures(failed, console)
    if failed:
        behind = len(plan.blocked_by(failed))
        blocked = f" with {behind} blocked behind" if behind else ""
        console.print(f"--retry starts {len(failed)} failed again{blocked}")
    return FAILED


def _tell_unusable(plan: Plan, console: Console) -> bool:
    """Say which runs and scores a person has to look at; whether there are any."""
    faults = {run.why or "": run.name for run in plan.unusable}
    for cell in plan.cells:
        if cell.status in ("damaged", "outdated"):
            faults.setdefault(cell.why, cell.run)
    for why, name in islice(faults.items(), LISTED):
        say(console, f"left alone: {name}: {why}", "red")
    if len(faults) > LISTED:
        console.print(f"left alone: {len(faults) - LISTED:,} more")
    behind = len(plan.blocked_by(faults.values()))
    if behind:
        console.print(f"blocked behind what is left alone: {behind}")
    return bool(faults)


def _tell_submitted(plan: Plan, outcome: Outcome, status: str, console: Console) -> int:
    """Say what was submitted and how to look after it; returns the exit code."""
    lines = [f"nothing was submitted; see the runs with: {status}"]
    if outcome.submitted:
        count, calls = len(outcome.submitted), f" in {outcome.calls}" if outcome.calls else ""
        lines = [f"submitted {count:,} jobs{calls}; you may log out"]
        lines += [f"  {run}  job {job}" for run, job in islice(outcome.submitted.items(), LISTED)]
        lines += [f"  ... and {count - LISTED:,} more"] if count > LISTED else []
        lines.append(f"see them with: {status}")
    for line in lines:
        say(console, line)
    print_left(outcome.left, console)
    print_left(outcome.refused, console, advice="")
    unusable = _tell_unusable(plan, console)
    if outcome.refused and not outcome.submitted:
        return BAD_INPUT
    return FAILED if outcome.left or outcome.refused or unusable else DONE


def _conclude(plan: Plan, outcome: Outcome, collect: str, console: Console) -> int:
    done, total = plan.cell_counts["done"], len(plan.cells)
    if outcome.signal is not None and not plan.done:
        console.print("stopped; launch again to continue")
        return 128 + outcome.signal
    if plan.done and done == total:
        say(console, f"done: {done} of {total} cells; see them with: {collect}")
        return DONE
    before = {r.name: r.why or "" for r in plan.runs.values() if r.status == "failed"}
    _tell_unusable(plan, console)
    _tell_failures({**before, **outcome.failed}, console)
    blocked = {run.name for run in plan.blocked_by(before)} | outcome.blocked.keys()
    if blocked:
        console.print(f"blocked behind them: {len(blocked)}")
    again = "with --retry " if plan.counts["failed"] else ""
    console.print(f"{done} of {total} cells are done; launch again {again}to try the rest")
    only_bad_input = outcome.failed and outcome.failed.keys() == outcome.bad_input
    return BAD_INPUT if only_bad_input else FAILED


def _tell_failures(failed: dict[str, str], console: Console) -> None:
    for name, why in failed.items():
        say(console, f"failed: {name}, see {why}", "red")


def _agreed(count: int, console: Console) -> bool:
    if not sys.stdin.isatty():
        raise BadInput(f"no terminal to ask on: --yes starts the {count} runs without asking")
    console.print(f"start {count} runs? [y/N] ", end="")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False
