"""What is shown while runs run."""

import io
import json
from pathlib import Path

import pytest
from handmade import make_graph
from rich.console import Console

from gdsweep.cluster.local.progress import PERIOD, Follower, Progress, Reading
from gdsweep.plan.plan import Plan
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def plan(store: Store) -> Plan:
    graph = make_graph({"a": {"iterations": 1000}, "b": {"iterations": 1000}})
    for name, run in graph.runs.items():
        store.create(run.config, {})
        store.want(store.run(name), graph.wanted[name])
    return make_plan(graph, store)


def add(store: Store, name: str, **values: object) -> None:
    with open(store.run(name).metrics, "a") as file:
        file.write(json.dumps(values) + "\n")


def test_follower_reads_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    follower = Follower(path)
    assert follower.look() == Reading()
    path.write_text('{"iteration": 20, "total_loss": 3.5, "time": 0.5}\n{"iteration": 4')
    assert follower.look() == Reading(20, 3.5, 0.5)
    with open(path, "a") as file:
        file.write('0, "total_loss": null, "segm/AP": 12.5, "teacher/segm/AP": 14.0}\n')
    assert follower.look() == Reading(40, 3.5, 0.5, 12.5, 14.0)


def test_follower_begins_near_the_end_of_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("".join(f'{{"iteration": {n}, "filler": "{"x" * 90}"}}\n' for n in range(2000)))
    assert Follower(path).look().iteration == 1999


def test_plain_lines(store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("gdsweep.cluster.local.progress.time.monotonic", lambda: now[0])
    output = io.StringIO()
    progress = Progress(plan, store, Console(file=output, width=200, highlight=False))
    run = plan.runs["a"]
    with progress:
        progress.started(run)
        values = {"total_loss": 3.25, "time": 0.5, "segm/AP": 10.0, "teacher/segm/AP": 12.0}
        add(store, "a", iteration=100, **values)
        for _ in range(int(2 * PERIOD)):
            progress.update([run], 1)
            now[0] += 1
        add(store, "a", iteration=1000, total_loss=2.0, time=0.5)
        progress.finished(run)
        progress.failed(plan.runs["b"], "runs/b/log.txt:7: no memory")
    assert output.getvalue().splitlines() == [
        "a: started, to 1,000",
        "a: 100 of 1,000, loss 3.250, 0.50 s/it, 7m 30s left, AP 10.0 (teacher 12.0)",
        "a: done, AP 10.0 (teacher 12.0)  (1 of 2 runs)",
        "b: failed, see runs/b/log.txt:7: no memory",
    ]


def test_a_terminal_gets_a_table(store: Store, plan: Plan) -> None:
    output = io.StringIO()
    console = Console(file=output, width=100, height=20, force_terminal=True, no_color=True)
    add(store, "a", iteration=400, total_loss=3.25, time=2.0, **{"segm/AP": 10.0})
    with Progress(plan, store, console) as progress:
        progress.update([plan.runs["a"]], 1)
    shown = output.getvalue()
    assert "0 of 2 runs done · 1 running · 1 waiting" in shown
    row = next(line for line in shown.splitlines() if "400 of 1,000" in line)
    assert row.split() == ["a", "400", "of", "1,000", "3.250", "2.00", "20m", "00s", "10.0"]


def test_no_colour_when_asked(store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    output = io.StringIO()
    console = Console(file=output, force_terminal=True)
    Progress(plan, store, console).failed(plan.runs["a"], "why")
    assert "\x1b[31m" not in output.getvalue()


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_stops_nothing(store: Store, plan: Plan) -> None:
    progress = Progress(plan, store, Console(file=Gone()))
    progress.say("nobody hears this")
    progress.started(plan.runs["a"])
