"""What starts now, how long it takes, what it costs: the plan's first line."""

from dataclasses import replace
from pathlib import Path

from handmade import make_graph

from gdsweep.plan.outlook import least_seconds, longest_chains, outlook
from gdsweep.plan.plan import Plan
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store

CHAIN = {
    "short": {"iterations": 50},
    "control": {"iterations": 100, "milestones": [10]},
    "guided": {"iterations": 80, "teacher": ["control", 10]},
    "student": {"iterations": 120, "parent": ["guided", 80]},
    "last": {"iterations": 5, "teacher": ["student", "best"]},
}


def made(tmp_path: Path, seconds: float | None = None) -> Plan:
    plan = make_plan(make_graph(CHAIN), Store(tmp_path))
    runs = {name: replace(run, seconds=seconds) for name, run in plan.runs.items()}
    return replace(plan, runs=runs)


def test_chains_are_of_iterations_from_checkpoint_to_checkpoint(tmp_path: Path) -> None:
    assert longest_chains(made(tmp_path), lambda run: 1) == {
        "short": 50,
        "control": 10 + 80 + 40 + 5,
        "guided": 80 + 40 + 5,
        "student": 40 + 5,
        "last": 5,
    }


def test_the_least_time_is_the_longest_chain_or_the_work_of_all(tmp_path: Path) -> None:
    plan = made(tmp_path, 2.0)
    todo = plan.todo()
    assert least_seconds(plan, todo, None) == 2.0 * 135
    assert least_seconds(plan, todo, 5) == 2.0 * 135
    assert least_seconds(plan, todo, 1) == 2.0 * (50 + 100 + 80 + 40 + 5)
    assert least_seconds(made(tmp_path), todo[:1], 1) == 100.0  # todo's own seconds are known
    assert least_seconds(plan, made(tmp_path).todo(), 1) is None


def test_the_first_line(tmp_path: Path) -> None:
    plan = made(tmp_path, 3600.0)
    todo = plan.todo()
    assert outlook(plan, todo) == "2 runs can start now, 3 follow; 275 CPU-hours; at least 5d 15h"
    assert (
        outlook(plan, todo, 1) == "1 run can start now, 4 follow; 275 CPU-hours; at least 11d 11h"
    )
    plan = made(tmp_path)
    assert outlook(plan, plan.todo()) == "2 runs can start now, 3 follow; hours not measured yet"
    some = {**plan.runs, "short": replace(plan.runs["short"], seconds=3600.0)}
    plan = replace(plan, runs=some)
    said = "2 runs can start now, 3 follow; 50.0 CPU-hours + 4 runs not measured yet"
    assert outlook(plan, plan.todo()) == said


def test_what_others_have_in_hand_starts_no_more(tmp_path: Path) -> None:
    plan = made(tmp_path, 3600.0)
    runs = {**plan.runs, "control": replace(plan.runs["control"], status="running")}
    plan = replace(plan, runs=runs)
    said = "1 run can start now, 3 follow, 1 run in hand; 275 CPU-hours; at least 5d 15h"
    assert outlook(plan, plan.todo()) == said
    assert outlook(plan, [runs["guided"]]).startswith("nothing can start now, 1 follows;")
