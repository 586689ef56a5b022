"""What a person reads before saying yes."""

import io
from dataclasses import replace
from pathlib import Path

from handmade import make_graph
from rich.console import Console

from gdsweep.plan.plan import Plan
from gdsweep.plan.plan_text import cost, print_plan, shape
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store


def text(plan: Plan) -> str:
    output = io.StringIO()
    print_plan(plan, Console(file=output, width=160, highlight=False, markup=False))
    return output.getvalue()


def test_one_row_per_resource_shape(tmp_path: Path) -> None:
    runs = {
        "a": {"iterations": 1000},
        "b": {"iterations": 2000, "cpus": 4},
        "c": {"iterations": 3000, "gpus": 8, "nodes": 2},
        "d": {"iterations": 3000, "gpus": 1},
    }
    plan = make_plan(make_graph(runs), Store(tmp_path / "runs"))
    lines = text(plan).splitlines()
    assert lines[0] == "4 cells (0 done) from 4 runs: 9,000 iterations"
    rows = {tuple(line.split()) for line in lines[2:6]}
    assert ("1", "core", "1", "1", "1,000", "1,000", "CPU-hours:", "not", "measured", "yet") in rows
    two_nodes = "2 nodes x 8 GPUs 1 1 3,000 3,000 GPU-hours: not measured yet"
    assert tuple(two_nodes.split()) in rows
    assert [shape(run) for run in plan.runs.values()] == [
        "1 core",
        "4 cores",
        "2 nodes x 8 GPUs",
        "1 GPU",
    ]


def test_sharing_and_waiting_are_told(tmp_path: Path) -> None:
    runs = {
        "a": {"iterations": 40, "milestones": [10]},
        "b": {"iterations": 30, "teacher": ["a", 10]},
    }
    output = text(make_plan(make_graph(runs), Store(tmp_path)))
    assert "70 iterations, 80 if every cell trained on its own" in output
    assert "  b  new, iterations 0 to 30, after a@10" in output


def test_hours_are_told_with_and_without_sharing_once_all_kinds_are_measured(
    tmp_path: Path,
) -> None:
    runs = {
        "a": {"iterations": 40, "milestones": [10], "gpus": 8},
        "b": {"iterations": 30, "teacher": ["a", 10], "gpus": 8},
    }
    plan = make_plan(make_graph(runs), Store(tmp_path))
    assert "in all" not in text(plan)
    measured = {name: replace(run, seconds=3600.0) for name, run in plan.runs.items()}
    plan = replace(plan, runs=measured)
    # 8 GPUs for 70 hours; alone, the second cell would train its teacher's first 10 iterations
    assert (plan.hours_planned, plan.hours_unshared) == (560.0, 640.0)
    assert "in all 560 GPU-hours, 640 if every cell trained on its own\n" in text(plan)
    half = replace(plan, runs={**measured, "a": replace(measured["a"], seconds=None)})
    assert half.hours_planned is None


def test_the_sums_of_a_plan_add_up(tmp_path: Path) -> None:
    """3,240 iterations, 576 of them trained, and 360 more that an earlier launch wants of a run."""
    store = Store(tmp_path)
    once = make_graph({"r0": {"iterations": 720}})
    run = store.create(once.runs["r0"].config, {})
    store.want(run, once.wanted["r0"])
    graph = make_graph(
        {"r0": {"iterations": 360, "horizon": 720}}
        | {f"r{n}": {"iterations": 360} for n in range(1, 9)}
    )
    run.state(216).touch()
    other = store.create(graph.runs["r1"].config, {})
    other.state(360).touch()
    plan = make_plan(graph, store)
    assert (plan.iterations_planned, plan.iterations_left) == (3240, 3240 - 576)
    assert plan.iterations_todo == 3240 - 576 + 360
    said = text(plan)
    assert "3,240 iterations" in said
    assert "3,024" in said
    assert "of these, 360 iterations of 1 run are what earlier launches want" in said
    assert "r0  new, iterations 0 to 720 (these grids want 360)" in said
    forgotten = make_plan(graph, store, only_these=True)
    assert forgotten.iterations_todo == forgotten.iterations_left == 3240 - 576
    for entry in (*plan.runs.values(), *forgotten.runs.values()):
        assert entry.todo == entry.left + entry.for_others


def test_a_finished_run_that_goes_back_is_told(tmp_path: Path) -> None:
    """A milestone between its states was thrown away, and a new student wants it."""
    store = Store(tmp_path)
    before = make_graph({"teacher": {"iterations": 40}})
    run = store.create(before.runs["teacher"].config, {})
    for iteration in (20, 40):
        run.state(iteration).touch()
    graph = make_graph(
        {
            "teacher": {"iterations": 40, "milestones": [30]},
            "student": {"iterations": 5, "teacher": ["teacher", 30]},
        }
    )
    said = text(make_plan(graph, store))
    assert "goes back for a state that is not kept: 10 iterations again" in said


def test_many_runs_are_not_listed(tmp_path: Path) -> None:
    runs = {f"run{n:02}": {"iterations": 4} for n in range(20)}
    output = text(make_plan(make_graph(runs), Store(tmp_path)))
    assert "20 runs" in output
    assert "run07" not in output


def test_brackets_in_names_are_not_markup(tmp_path: Path) -> None:
    plan = make_plan(make_graph({"a[red]b": {"iterations": 4}}), Store(tmp_path))
    assert "a[red]b" in text(plan)


def test_cost_says_what_was_not_measured(tmp_path: Path) -> None:
    graph = make_graph({name: {"iterations": 3600, "gpus": 8} for name in ("a", "b")})
    a, b = make_plan(graph, Store(tmp_path)).runs.values()
    assert cost([a, b]) == "GPU-hours: not measured yet"
    assert cost([replace(a, seconds=1.0), b]) == "8 GPU-hours + 1 run not measured yet"
    assert cost([replace(a, seconds=1.0), replace(b, seconds=1.5)]) == "20.0 GPU-hours"
    assert cost([replace(a, todo=0), replace(b, todo=0)]) == "-"


def test_where_the_table_does_not_fit_sentences_tell_whole_numbers(tmp_path: Path) -> None:
    plan = make_plan(make_graph({"a": {"iterations": 368_000, "gpus": 8}}), Store(tmp_path))
    for width, said in (
        (100, "8 GPUs      1    1     368,000  368,000"),
        (60, "8 GPUs: 1 run (1 new)"),
    ):
        output = io.StringIO()
        print_plan(
            plan, Console(file=output, width=width, force_terminal=True, no_color=True), "now"
        )
        lines = output.getvalue().splitlines()
        assert "now" in lines[0]
        assert said in output.getvalue()
        assert "…" not in output.getvalue()
        assert "368,000" in output.getvalue()
