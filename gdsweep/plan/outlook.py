"""What a person asks before saying yes: what starts now, how long it takes, what it costs."""

from collections.abc import Callable, Sequence

from gdsweep.plan.hours import amount, duration
from gdsweep.plan.plan import Plan, PlannedRun


def outlook(plan: Plan, todo: Sequence[PlannedRun], at_once: int | None = None) -> str:
    """`1 run can start now, 2 follow; 5.2 GPU-hours; at least 3h 20m`, of the runs that are to do.

    `at_once` is how many of them can run at the same time; None where a scheduler decides. What is
    not measured is said.
    """
    going = [run for run in todo if run.status in ("running", "queued")]
    ready = [run for run in todo if run not in going and not run.waits]
    now = len(ready) if at_once is None else min(len(ready), at_once)
    later = len(todo) - len(going) - now
    starting = f"{_runs(now)} can start now" if now else ""
    parts = [starting or "nothing can start now"]
    parts[0] += f", {later:,} {'follows' if later == 1 else 'follow'}" if later else ""
    parts[0] += f", {_runs(len(going))} in hand" if going else ""
    training = [run for run in todo if run.todo]
    if training:
        parts += [_hours(training), _time(plan, todo, at_once)]
    return "; ".join(filter(None, parts))


def least_seconds(plan: Plan, todo: Sequence[PlannedRun], at_once: int | None) -> float | None:
    """Seconds of training below which the runs to do cannot end; None where nothing tells.

    The longest chain of runs, each beginning at its checkpoint of the one before; or all their
    seconds shared by as many as run at once, where that is longer.
    """
    if any(run.todo and run.seconds is None for run in todo):
        return None
    names = {run.name for run in todo}
    chains = longest_chains(plan, lambda run: run.seconds or 0.0)
    longest = max((chains[name] for name in names), default=0.0)
    total = sum(run.todo * (run.seconds or 0.0) for run in todo)
    return max(longest, total / at_once) if at_once else longest


def longest_chains(plan: Plan, cost: Callable[[PlannedRun], float]) -> dict[str, float]:
    """What the longest chain that begins with each run costs; `cost` is of one iteration of a run.

    A run that is needed at an early exit goes on beside its child.
    """
    behind = {name: run.todo * cost(run) for name, run in plan.runs.items()}
    for name in reversed(plan.runs):
        run = plan.runs[name]
        for source in run.sources:
            parent = plan.runs[source.run]
            until = parent.todo
            if isinstance(source.at, int):
                until = min(until, max(0, source.at - parent.reached))
            behind[source.run] = max(behind[source.run], until * cost(parent) + behind[name])
    return behind


def _hours(training: Sequence[PlannedRun]) -> str:
    """`12.5 GPU-hours and 0.3 CPU-hours`, of the runs whose speed is measured."""
    found: dict[str, float] = {}
    for run in training:
        if run.hours is not None:
            found[run.unit] = found.get(run.unit, 0.0) + run.hours
    text = " and ".join(f"{amount(hours)} {unit}" for unit, hours in found.items())
    unknown = sum(run.hours is None for run in training)
    if not unknown:
        return text
    return f"{text} + {_runs(unknown)} not measured yet" if text else "hours not measured yet"


def _time(plan: Plan, todo: Sequence[PlannedRun], at_once: int | None) -> str:
    seconds = least_seconds(plan, todo, at_once)
    return "" if seconds is None else f"at least {duration(seconds)}"


def _runs(number: int) -> str:
    return f"{number:,} run" if number == 1 else f"{number:,} runs"
