"""A plan as text: what exists and what is left, by resource shape, and what it costs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gdsweep.plan.hours import amount
from gdsweep.plan.plan import STATUSES, UNUSABLE, Plan, PlannedRun
from gdsweep.plan.screen import say

LISTED = 12
"""Runs that are left are listed one by one up to this many."""


def print_plan(plan: Plan, console: Console, first: str = "") -> None:
    """Print the plan: one row per resource shape, the runs that are left if they are few.

    `first` stands above all: what starts now and how long it takes (see `outlook`).
    """
    if first:
        say(console, first, "bold")
    shapes: dict[str, list[PlannedRun]] = defaultdict(list)
    for run in plan.runs.values():
        shapes[shape(run)].append(run)
    left = [run for run in plan.runs.values() if run.status != "done"]
    others = [run for run in left if run.for_others]
    say(console, summary(plan))
    _print_shapes(shapes, plan, console)
    if plan.hours_planned is not None and plan.hours_unshared is not None:
        unit = next(run.unit for run in plan.runs.values() if run.trains)
        text = f"in all {amount(plan.hours_planned)} {unit}"
        if plan.iterations_unshared > plan.iterations_planned:
            text += f", {amount(plan.hours_unshared)} if every cell trained on its own"
        say(console, text)
    if others:
        text = (
            f"of these, {sum(run.for_others for run in others):,} iterations of "
            f"{_count(len(others), 'run')} are what earlier launches want; --forget-earlier lets "
            "them go"
        )
        say(console, text, "yellow")
    if len(left) <= LISTED:
        for run in left:
            _print_run(run, console)
    else:
        for run in [run for run in left if run.status in ("failed", *UNUSABLE)][:LISTED]:
            _print_run(run, console)


def _print_shapes(shapes: Mapping[str, Sequence[PlannedRun]], plan: Plan, console: Console) -> None:
    """A table of what each shape has to do; sentences where that is wider than the terminal."""
    statuses = [status for status in STATUSES if plan.counts[status]]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("each on", no_wrap=True)
    for name in ("runs", *statuses, "iterations", "to do", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    sentences = []
    for name, runs in shapes.items():
        counts = {status: sum(run.status == status for run in runs) for status in statuses}
        todo, costs = sum(run.todo for run in runs), cost(runs)
        table.add_row(
            name,
            f"{len(runs):,}",
            *(f"{count:,}" if count else "" for count in counts.values()),
            f"{sum(run.planned for run in runs):,}",
            f"{todo:,}",
            costs,
        )
        standing = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        sentences.append(
            f"each on {name}: {_count(len(runs), 'run')} ({standing}), {todo:,} iterations to do, "
            f"{costs}"
        )
    unbounded = console.options.update(max_width=10_000)
    if console.measure(table, options=unbounded).maximum <= console.width:
        console.print(table)
        return
    for sentence in sentences:
        say(console, sentence)


def summary(plan: Plan) -> str:
    """Cells, runs and what sharing saves, in one line."""
    planned, alone = plan.iterations_planned, plan.iterations_unshared
    text = (
        f"{_count(len(plan.cells), 'cell')} ({plan.cell_counts['done']:,} done) from "
        f"{_count(len(plan.runs), 'run')}: "
    )
    if not plan.trains:
        return text + "given weights are scored, nothing is trained"
    text += f"{planned:,} iterations"
    if alone > planned:
        text += f", {alone:,} if every cell trained on its own"
    return text


def shape(run: PlannedRun) -> str:
    """The resources one run asks for: `2 nodes x 8 GPUs`, `1 core`."""
    resources = run.config.settings.resources
    each = _count(resources.gpus, "GPU") if run.on_gpus else _count(resources.cpus, "core")
    return each if resources.nodes == 1 or not run.on_gpus else f"{resources.nodes} nodes x {each}"


def cost(runs: Sequence[PlannedRun]) -> str:
    """GPU- or CPU-hours still to be spent on runs of one shape; what is not measured is said."""
    if not any(run.todo for run in runs):
        return "-"
    hours = [run.hours for run in runs if run.todo]
    known = [value for value in hours if value is not None]
    unit = runs[0].unit
    if not known:
        return f"{unit}: not measured yet"
    total = sum(known)
    text = f"{amount(total)} {unit}"
    unknown = len(hours) - len(known)
    return f"{text} + {_count(unknown, 'run')} not measured yet" if unknown else text


def _print_run(run: PlannedRun, console: Console) -> None:
    text = Text(f"  {run.name}  ")
    colours = {
        "failed": "red",
        "damaged": "red",
        "outdated": "red",
        "blocked": "yellow",
        "running": "green",
    }
    text.append(run.status, style=colours.get(run.status, ""))
    if run.status == "interrupted" and run.trains and not run.todo:
        text.append(f" at {run.stop:,}, only to be scored")
    elif run.status in ("interrupted", "running") and run.trains:
        text.append(f" at {run.reached:,} of {run.stop:,}")
    elif run.status == "new" and not run.trains:
        text.append(f", to score {run.config.settings.model.init}")
    elif run.status == "new":
        text.append(f", iterations {run.first:,} to {run.stop:,}")
    if run.status in UNUSABLE:
        text.append(f": {run.why}")
        say(console, text)
        return
    if run.for_others:
        text.append(f" (these grids want {run.first + run.planned:,})")
    if run.todo and run.reached >= run.stop:
        text.append(f", goes back for a state that is not kept: {run.todo:,} iterations again")
    if run.status == "failed":
        text.append(f", see {run.why}")
    elif run.status == "blocked":
        text.append(f" by {run.why}")
    elif run.waits:
        text.append(f", after {', '.join(str(source) for source in run.waits)}")
    say(console, text)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
