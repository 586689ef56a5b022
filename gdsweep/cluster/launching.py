"""One launch: grids to a plan, the plan to runs, and what came of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from gdsweep.cluster.local import LocalExecutor, Outcome
from gdsweep.cluster.local.job import TRAINER
from gdsweep.cluster.local.machine import Machine, this_machine
from gdsweep.cluster.local.progress import Progress
from gdsweep.cluster.miniatures import write_miniatures
from gdsweep.cluster.slurm import commands as slurm_commands
from gdsweep.cluster.slurm.profile import Profile, choose_profile
from gdsweep.config.paths import expanded
from gdsweep.errors import BAD_INPUT, DONE, FAILED, BadInput
from gdsweep.grid import Graph
from gdsweep.plan.annotations import check_unchanged
from gdsweep.plan.locations import unknown_places
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.plan_text import print_plan
from gdsweep.plan.planning import make_plan
from gdsweep.plan.request import Request
from gdsweep.runs import Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to launch what was asked for."""

    dry_run: bool = False
    """Plan only; nothing is written."""
    jobs: int | None = None
    """Runs at once; None lets the machine's GPUs or cores decide."""
    yes: bool = False
    """Start without asking."""
    retry: bool = False
    """Start failed runs again."""
    cluster: Literal["slurm", "local"] | None = None
    """Who executes; None chooses SLURM where there is one."""
    profile: str | None = None
    """The cluster's profile, by name or file; None lets variable and host name decide."""
    max_running: int | None = None
    """Jobs of this launch that SLURM may run at once."""
    avoid_bad_nodes: bool = False
    """With `retry`: not on nodes where runs failed for what may be the machine's fault."""
    prune: bool = False
    """Cancel jobs of runs that the grids no longer want."""


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
    if on_slurm(options):
        return _launch_slurm(request, options, console, trainer)
    store, graph = request.store, request.graph
    plan = make_plan(graph, store)
    _check_trains_nothing(plan, request, options)
    check_unchanged(store, [run.config for run in plan.runs.values() if run.status != "new"])
    todo = plan.todo(options.retry)
    if not options.dry_run and not todo:
        return _nothing_to_do(plan, console), plan, Outcome()
    print_plan(plan, console)
    _tell_unknown_places(todo, store, console)
    if options.dry_run:
        return DONE, plan, Outcome()
    machine = this_machine()
    _check_devices(todo, machine)
    console.print(Text(where_it_runs(machine, options, todo)), soft_wrap=True)
    starting = sum(run.status != "running" for run in todo)
    if not starting:
        console.print("nothing to start: watching what another launch trains")
    elif not options.yes and not _agreed(starting, console):
        console.print("nothing was started")
        return FAILED, plan, Outcome()
    prepare(graph, store, todo)
    progress = Progress(plan, store, console)
    outcome = LocalExecutor(
        plan,
        store,
        machine,
        progress,
        jobs=options.jobs,
        retry=options.retry,
        trainer=None if request.mode == "smoke" and trainer is TRAINER else trainer,
    ).execute()
    after = make_plan(graph, store)
    return _conclude(after, outcome, request.command("collect"), console), after, outcome


def on_slurm(options: Options) -> bool:
    """Whether SLURM executes: as asked, or because this is a login node. Raises BadInput."""
    if options.cluster == "local":
        return False
    found = slurm_commands.available() and slurm_commands.configured()
    if options.cluster == "slurm" and not found:
        raise BadInput("--cluster slurm: no SLURM is configured here; is this a login node?")
    return found


def where_stored(request: Request, options: Options) -> Request:
    """The request in the store that a launch with these options would use."""
    if on_slurm(options):
        return with_profile_store(request, choose_profile(options.profile))
    return request


def with_profile_store(request: Request, profile: Profile) -> Request:
    """The request in the cluster profile's store, unless another was asked for."""
    if request.folder is None and profile.store and request.mode != "smoke":
        return request.within(Path(expanded(profile.store)))
    return request


def _launch_slurm(
    request: Request, options: Options, console: Console, trainer: Sequence[str]
) -> tuple[int, Plan, Outcome]:
    from gdsweep.cluster.slurm.executor import Slurm, bad_nodes  # submitit takes its time
    from gdsweep.cluster.slurm.launch import SlurmLaunch

    profile = choose_profile(options.profile)
    request = with_profile_store(request, profile)
    store, graph = request.store, request.graph
    plan = make_plan(graph, store)
    _check_trains_nothing(plan, request, options)
    avoided = bad_nodes(plan, store) if options.retry and options.avoid_bad_nodes else []
    slurm = Slurm(
        store,
        profile,
        grids=request.paths,
        max_running=options.max_running,
        exclude=avoided,
        trainer=trainer,
    )
    at_work = SlurmLaunch(slurm, graph, store, console, retry=options.retry)
    plan = at_work.plan()
    check_unchanged(store, [run.config for run in plan.runs.values() if run.status != "new"])
    if not options.dry_run:
        at_work.release(plan)
    dropped = at_work.dropped()
    todo = [run for run in plan.todo(options.retry) if run.status not in ("running", "queued")]
    if not options.dry_run and not todo:
        at_work.prune(dropped, options.prune)
        return _nothing_to_do(plan, console), plan, Outcome()
    at_work.show(plan)
    _tell_unknown_places(todo, store, console)
    at_work.prune(dropped, options.prune and not options.dry_run)
    if options.dry_run:
        return DONE, plan, Outcome()
    where = f"submitting to SLURM (profile {profile.name}), store {slurm.store.root}"
    without = f", without {', '.join(avoided)}" if avoided else ""
    console.print(Text(where + without), soft_wrap=True)
    if not options.yes and not _agreed(len(todo), console):
        console.print("nothing was submitted")
        return FAILED, plan, Outcome()
    store.check_writable()
    plan, done = at_work.submit(lambda plan, runs: prepare(graph, store, runs))
    code = at_work.conclude(done, request.command("launch", "--status"))
    return code, plan, Outcome(submitted=done.jobs)


def _check_trains_nothing(plan: Plan, request: Request, options: Options) -> None:
    """The trainer delivers what anybody wants: --eval-only must not go on with a training."""
    for run in plan.todo(options.retry) if request.mode == "eval-only" else ():
        if run.todo:
            raise BadInput(
                f"{run.name}: an earlier launch wants {run.todo:,} iterations of it, and "
                "--eval-only trains nothing; launch without it, or name another --store"
            )


def _tell_unknown_places(todo: Sequence[PlannedRun], store: Store, console: Console) -> None:
    for line in unknown_places([run.config for run in todo], store.miniatures):
        console.print(Text(line, style="yellow"), soft_wrap=True)


def prepare(graph: Graph, store: Store, todo: Sequence[PlannedRun]) -> None:
    """Make the directories of runs to start, and note what is wanted from every run.

    Raises BadInput where the store cannot be written; every directory is whole or not there.
    """
    store.check_writable()
    write_miniatures(store, todo)
    try:
        for run in todo:
            store.create(run.config, graph.runs[run.name].identity)
        for name, wanted in graph.wanted.items():
            if store.run(name).config.exists():
                store.want(store.run(name), wanted)
    except OSError as error:
        raise BadInput(f"{store.root}: the store cannot be written ({error.strerror})") from None


def _nothing_to_do(plan: Plan, console: Console) -> int:
    done, total = plan.cell_counts["done"], len(plan.cells)
    if plan.done:
        console.print(f"nothing to do: {done} of {total} cells are done")
        return DONE
    console.print(f"nothing to start: {done} of {total} cells are done")
    in_hand = plan.counts["queued"] + plan.counts["running"]
    if in_hand:
        console.print(f"{in_hand} runs are in SLURM's hands already")
        if not plan.counts["failed"]:
            return DONE
    _tell_failures(
        {r.name: r.why or "" for r in plan.runs.values() if r.status == "failed"}, console
    )
    blocked = plan.counts["blocked"]
    behind = f" with {blocked} blocked behind" if blocked else ""
    console.print(f"--retry starts {plan.counts['failed']} failed again{behind}")
    return FAILED


def _conclude(plan: Plan, outcome: Outcome, collect: str, console: Console) -> int:
    done, total = plan.cell_counts["done"], len(plan.cells)
    if outcome.signal is not None and not plan.done:
        console.print("stopped; launch again to continue")
        return 128 + outcome.signal
    if plan.done:
        console.print(
            Text(f"done: {done} of {total} cells; see them with: {collect}"), soft_wrap=True
        )
        return DONE
    before = {r.name: r.why or "" for r in plan.runs.values() if r.status == "failed"}
    _tell_failures({**before, **outcome.failed}, console)
    if plan.counts["blocked"] or outcome.blocked:
        blocked = {run.name for run in plan.runs.values() if run.status == "blocked"}
        console.print(f"blocked behind them: {len(blocked | outcome.blocked.keys())}")
    again = "with --retry " if plan.counts["failed"] else ""
    console.print(f"{done} of {total} cells are done; launch again {again}to try the rest")
    only_bad_input = outcome.failed and outcome.failed.keys() == outcome.bad_input
    return BAD_INPUT if only_bad_input else FAILED


def _tell_failures(failed: dict[str, str], console: Console) -> None:
    for name, why in failed.items():
        console.print(Text(f"failed: {name}, see {why}", style="red"), soft_wrap=True)


def where_it_runs(machine: Machine, options: Options, todo: Sequence[PlannedRun]) -> str:
    """Who executes the runs and why, in one line."""
    if options.cluster == "local":
        reason = "as asked"
    elif slurm_commands.available():
        reason = "sbatch is on the PATH, but no SLURM is configured here"
    else:
        reason = "no SLURM: sbatch is not on the PATH"
    at_once = f"{options.jobs} at once" if options.jobs else "as many at once as fit"
    gpus = f", {len(machine.gpus)} GPUs" if machine.gpus else ""
    text = f"running on this machine ({reason}): {machine.cores} cores{gpus}, {at_once}"
    if not machine.gpus and any(run.on_gpus for run in todo):
        text += "; runs that ask for GPUs compute on the CPU"
    return text


def _check_devices(todo: Sequence[PlannedRun], machine: Machine) -> None:
    for run in todo:
        if run.config.settings.resources.device == "cuda" and not machine.gpus:
            raise BadInput(
                f"{run.name}: resources.device is cuda, but nvidia-smi names no GPU here; "
                "set it to auto or cpu, or launch where there is one"
            )


def _agreed(count: int, console: Console) -> bool:
    if not sys.stdin.isatty():
        raise BadInput(f"no terminal to ask on: --yes starts the {count} runs without asking")
    console.print(f"start {count} runs? [y/N] ", end="")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False
