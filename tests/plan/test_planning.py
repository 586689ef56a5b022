"""What a plan says of every state a store can be in."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from handmade import make_graph

from gdsweep import atomic
from gdsweep.cluster.launching import prepare
from gdsweep.grid.graph import Graph
from gdsweep.plan.dataset_files import DataCheck
from gdsweep.plan.job import Job
from gdsweep.plan.plan import Plan, Source
from gdsweep.plan.planning import make_plan, set_aside
from gdsweep.runs import (
    Attempt,
    RunDir,
    Score,
    ScoreRef,
    Store,
    Wanted,
    lock,
    missing,
    reopen,
)

LINE = {
    "control": {"iterations": 40, "milestones": [10], "best": True},
    "guided": {
        "iterations": 20,
        "horizon": 40,
        "milestones": [20],
        "teacher": ["control", 10],
        "cell": False,
    },
    "student": {"iterations": 40, "parent": ["guided", 20], "best": True},
}


@pytest.fixture
def graph() -> Graph:
    return make_graph(LINE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def put_score(run: RunDir, ref: ScoreRef, ap: float = 30.0) -> None:
    score = Score(ref=ref, iteration=40, metrics={"AP": ap}, images=1, instances=1,
                  predictions=None)  # fmt: skip
    atomic.write_json(run.score(ref), score.model_dump(mode="json"))


def cells(plan: Plan) -> list[str]:
    return [cell.status for cell in plan.cells]


def create(graph: Graph, store: Store, name: str, *states: int) -> RunDir:
    store.root.mkdir(exist_ok=True)
    run = store.create(graph.runs[name].config, graph.runs[name].identity)
    store.want(run, graph.wanted[name])
    for iteration in states:
        run.state(iteration).touch()
    return run


def attempt(run: RunDir, number: int = 1, **values: object) -> None:
    record = Attempt.model_validate({"number": number, "started": time.time(), **values})
    atomic.write_json(run.attempt(number), record.model_dump(mode="json"))


def deliver(graph: Graph, store: Store, name: str) -> RunDir:
    wanted = graph.wanted[name]
    run = create(graph, store, name, wanted.stop, *wanted.milestones)
    if wanted.best:
        run.best.write_text("{}")
    for score in wanted.scores:
        put_score(run, score)
    attempt(run, outcome="done")
    return run


def test_an_empty_store(graph: Graph, store: Store) -> None:
    plan = make_plan(graph, store)
    assert plan.counts == {"new": 3}
    assert cells(plan) == ["new", "new"]
    assert (plan.iterations_planned, plan.iterations_todo) == (80, 80)
    assert plan.iterations_unshared == 40 + 10 + 20 + 20
    assert plan.runs["student"].first == 20
    assert plan.runs["student"].waits == (Source("guided", 20),)
    assert [run.name for run in plan.todo()] == ["control", "guided", "student"]
    assert not plan.done
    assert not store.root.exists()


def test_all_done(graph: Graph, store: Store) -> None:
    for name in graph.runs:
        deliver(graph, store, name)
    plan = make_plan(graph, store)
    assert plan.done
    assert cells(plan) == ["done", "done"]
    assert (plan.iterations_todo, plan.todo()) == (0, [])


def test_interrupted_continues_from_its_newest_state(graph: Graph, store: Store) -> None:
    attempt(create(graph, store, "control", 10, 30))
    plan = make_plan(graph, store)
    control = plan.runs["control"]
    assert (control.status, control.reached, control.todo) == ("interrupted", 30, 10)
    assert plan.runs["guided"].waits == ()  # its teacher's milestone is there


def test_a_milestone_that_was_passed_is_trained_again(graph: Graph, store: Store) -> None:
    attempt(create(graph, store, "control", 5, 40))
    assert make_plan(graph, store).runs["control"].todo == 35  # from 5 for 10, on to the best


def test_only_the_scores_are_missing(graph: Graph, store: Store) -> None:
    run = deliver(graph, store, "control")
    run.score(ScoreRef(at="best", network="student")).unlink()
    control = make_plan(graph, store).runs["control"]
    assert (control.status, control.todo) == ("interrupted", 0)


def test_running_is_read_from_the_lock_and_the_metrics(graph: Graph, store: Store) -> None:
    run = create(graph, store, "control", 10)
    attempt(run)
    run.metrics.write_text('{"iteration": 10}\n{"iteration": 25, "time": 0.1}\n')
    with lock.hold(run.lock):
        plan = make_plan(graph, store)
    control = plan.runs["control"]
    assert (control.status, control.reached, control.todo) == ("running", 25, 15)
    assert cells(plan) == ["running", "new"]  # its student has what it needs, and has not begun
    assert plan.todo()[0].name == "control"


def test_a_delivered_run_that_trains_on_for_others_is_done(graph: Graph, store: Store) -> None:
    run = deliver(graph, store, "control")
    with lock.hold(run.lock):
        assert make_plan(graph, store).runs["control"].status == "done"


def test_what_others_want_of_a_run_is_still_to_do(store: Store) -> None:
    graph = make_graph({"control": {"iterations": 10, "stop": 10, "horizon": 90}})
    run = create(graph, store, "control")
    store.want(run, Wanted(stop=60))
    control = make_plan(graph, store).runs["control"]
    assert (control.planned, control.left) == (10, 10)
    assert (control.stop, control.todo) == (60, 60)
    run.state(8).touch()
    attempt(run)
    plan = make_plan(graph, store)
    assert (plan.iterations_planned, plan.iterations_left, plan.iterations_todo) == (10, 2, 52)


def test_failed_blocks_only_what_needs_it(store: Store) -> None:
    graph = make_graph({**LINE, "alone": {"iterations": 5}})
    create(graph, store, "control")
    run = store.run("control")
    run.log.write_text("a\nb\n")
    attempt(
        run,
        outcome="failed",
        cause="nan",
        message="the loss is nan; images of the batch: 7",
        log="log.txt:2",
    )
    plan = make_plan(graph, store)
    assert {name: run.status for name, run in plan.runs.items()} == {
        "control": "failed",
        "guided": "blocked",
        "student": "blocked",
        "alone": "new",
    }
    assert plan.runs["control"].why == f"{run.log}:2: the loss is nan; images of the batch: 7"
    assert plan.runs["student"].why == "control"
    assert cells(plan) == ["failed", "blocked", "new"]
    assert [entry.name for entry in plan.todo()] == ["alone"]
    assert [e.name for e in plan.todo(retry=True)] == ["control", "guided", "student", "alone"]


def test_a_failure_after_the_milestone_does_not_block(graph: Graph, store: Store) -> None:
    attempt(create(graph, store, "control", 10), outcome="failed", message="no memory")
    plan = make_plan(graph, store)
    assert plan.runs["guided"].status == "new"
    assert plan.runs["student"].status == "new"


NEWER = '{"number": 1, "started": 0, "colour": "blue"}'


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("attempts/001.json", "{", r"attempts/001\.json: damaged \("),
        ("attempts/001.json", NEWER, r"written by a newer gdsweep \(colour is not known here\)"),
        ("wanted.json", '{"stop": "far"}', r"wanted\.json: damaged \(stop: "),
        ("done.json", "", r"done\.json: damaged \("),
        ("dataset.json", "\0\0", r"dataset\.json: damaged \("),
        ("config.yaml", None, r"control: not a run directory \(config.yaml is missing\)"),
    ],
)
def test_a_damaged_run_holds_up_nothing_but_what_descends_from_it(
    name: str, content: str | None, why: str, store: Store
) -> None:
    """Though the checkpoint that its child starts from is there."""
    graph = make_graph({**LINE, "alone": {"iterations": 5}})
    run = create(graph, store, "control", 10)
    path = run.path / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    plan = make_plan(graph, store)
    statuses = {name: run.status for name, run in plan.runs.items()}
    assert statuses == {
        "control": "damaged", "guided": "blocked", "student": "blocked", "alone": "new",
    }  # fmt: skip
    assert re.search(why, plan.runs["control"].why or "")
    assert {plan.runs[name].why for name in ("guided", "student")} == {"control"}
    assert cells(plan) == ["damaged", "damaged", "new"]
    assert re.search(why, plan.cells[0].why)
    assert [run.name for run in plan.todo(retry=True)] == ["alone"]
    assert [run.name for run in plan.unusable] == ["control"]


def test_a_file_under_a_runs_name_is_damage(graph: Graph, store: Store) -> None:
    store.root.mkdir()
    (store.root / "control").write_text("a note")
    assert make_plan(graph, store).runs["control"].status == "damaged"


def test_what_is_done_or_queued_behind_a_damaged_run_stays(graph: Graph, store: Store) -> None:
    create(graph, store, "control", 10).wanted.write_text("[]")
    deliver_and_free(graph, store, "student")
    plan = make_plan(graph, store, {"guided": Job("7", "queued")})
    assert [run.status for run in plan.runs.values()] == ["damaged", "queued", "done"]
    assert cells(plan) == ["damaged", "done"]


def test_a_run_on_other_data_holds_up_what_descends_from_it(
    graph: Graph, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even beyond a child that is done: all of it descends from weights of other data."""
    create(graph, store, "control", 10, 40)
    done = create(graph, store, "guided", 20)
    atomic.write_json(done.done, graph.wanted["guided"].model_dump(mode="json"))
    monkeypatch.setattr(
        DataCheck, "fault", lambda self, config: "changed" if config.run == "control" else None
    )
    plan = make_plan(graph, store)
    assert [run.status for run in plan.runs.values()] == ["outdated", "done", "blocked"]
    assert plan.runs["control"].why == "changed"
    assert plan.runs["student"].why == "control"
    assert cells(plan) == ["outdated", "outdated"]
    assert plan.todo(retry=True) == []


def test_a_configuration_that_cannot_be_read_is_found_as_the_launch_begins(
    graph: Graph, store: Store
) -> None:
    create(graph, store, "guided").config.write_text("")
    plan = make_plan(graph, store)
    faults = prepare(graph, store, plan.todo())
    assert list(faults) == ["guided"]
    assert store.run("guided").config.read_text() == ""
    after = set_aside(plan, faults, graph)
    assert [run.status for run in after.runs.values()] == ["new", "damaged", "blocked"]
    assert cells(after) == ["new", "damaged"]
    assert [run.name for run in after.todo()] == ["control"]


def test_json(graph: Graph, store: Store) -> None:
    state = json.loads(json.dumps(make_plan(graph, store).to_json()))
    assert (state["cells"], state["trajectories"]) == (2, 3)
    assert sum(state[s] for s in ("new", "running", "done", "failed", "blocked")) == 3
    assert state["iterations_todo"] == 80
    assert state["runs"][2]["waits"] == ["guided@20"]


def test_hours_of_gpus_and_of_cores(store: Store) -> None:
    graph = make_graph(
        {
            "cpu": {"iterations": 3600, "cpus": 2, "nodes": 2},  # without GPUs it is one process
            "gpu": {"iterations": 3600, "gpus": 8, "nodes": 2},
            "other": {"iterations": 3600, "gpus": 8, "nodes": 2},
        }
    )
    for name in ("cpu", "gpu"):
        create(graph, store, name).metrics.write_text('{"iteration": 9, "time": 0.5}\n')
    runs = make_plan(graph, store).runs
    assert runs["cpu"].hours == 1.0
    assert runs["gpu"].hours == 8.0
    assert runs["other"].hours == 8.0  # measured on its sibling
    assert (runs["gpu"].on_gpus, runs["cpu"].on_gpus) == (True, False)


def test_planning_a_thousand_runs_is_quick(store: Store) -> None:
    graph = make_graph({f"run{n}": {"iterations": 5} for n in range(1000)})
    begin = os.times().user
    assert make_plan(graph, store).counts["new"] == 1000
    assert os.times().user - begin < 3


def deliver_and_free(graph: Graph, store: Store, name: str) -> RunDir:
    """A run that has delivered everything, and whose states were removed to free the disk."""
    run = create(graph, store, name)
    for ref in graph.wanted[name].scores:
        put_score(run, ref)
    atomic.write_json(run.best, {})
    atomic.write_json(run.done, graph.wanted[name].model_dump(mode="json"))
    return run


def test_what_is_delivered_stays_delivered(graph: Graph, store: Store) -> None:
    for name in LINE:
        deliver_and_free(graph, store, name)
    plan = make_plan(graph, store)
    assert plan.done
    assert (plan.iterations_todo, cells(plan)) == (0, ["done", "done"])


def test_a_state_that_was_removed_is_made_again_only_where_it_is_needed(
    graph: Graph, store: Store
) -> None:
    deliver_and_free(graph, store, "control")
    guided = deliver_and_free(graph, store, "guided")
    guided.state(15).touch()
    plan = make_plan(graph, store)
    assert [run.status for run in plan.runs.values()] == ["interrupted", "interrupted", "new"]
    # the student forks at 20, which guided reaches from 15; and guided asks for its teacher again
    assert (plan.runs["guided"].again, plan.runs["guided"].todo) == ((20,), 5)
    assert (plan.runs["control"].again, plan.runs["control"].todo) == ((10,), 10)
    assert plan.runs["student"].waits == (Source("guided", 20),)
    reopen(guided, plan.runs["guided"].again)
    assert missing(guided, graph.wanted["guided"]).milestones == (20,)
    assert missing(guided, graph.wanted["guided"]).stop is None


def test_what_earlier_launches_want_is_counted_apart_and_can_be_let_go(
    graph: Graph, store: Store
) -> None:
    control = create(graph, store, "control", 10)
    store.want(control, Wanted(stop=40))
    short = make_graph({"control": {"iterations": 20, "horizon": 40}})
    assert make_plan(short, store).runs["control"].for_others == 20
    plan = make_plan(short, store, only_these=True)
    assert (plan.runs["control"].for_others, plan.runs["control"].todo) == (0, 10)
    store.want(control, short.wanted["control"], only=True)
    assert make_plan(short, store).runs["control"].todo == 10
