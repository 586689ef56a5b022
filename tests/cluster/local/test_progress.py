"""What is shown while runs run."""

import io
import json
import re
from pathlib import Path

import pytest
from handmade import make_graph
from rich.console import Console

from gdsweep.cluster.local.progress import PERIOD, Progress
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store
from gdsweep.runs.activity import Scoring, end_scoring, tell_scoring


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


def drawn(progress: Progress, run: PlannedRun, output: io.StringIO) -> list[list[str]]:
    """Words of the lines that were drawn last, without those of the bars."""
    output.truncate(output.seek(0))
    progress.update([run], 1)
    bars = str.maketrans("━╸╺", "   ")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue()).translate(bars)
    return [line.split() for line in plain.splitlines() if line.strip()]


def test_a_terminal_gets_a_bar_for_the_sweep_and_one_for_each_run(store: Store, plan: Plan) -> None:
    output = io.StringIO()
    console = Console(file=output, width=120, height=20, force_terminal=True, no_color=True)
    run = plan.runs["a"]
    add(store, "a", iteration=400, total_loss=3.25, time=2.0, **{"segm/AP": 10.0})
    with Progress(plan, store, console) as progress:
        counts, sweep, bar = drawn(progress, run, output)
    assert " ".join(counts).startswith("0 of 2 runs done · 1 running · 1 waiting")
    # b is not measured and taken to be as quick: 600 and 1,000 iterations one after the other
    assert " ".join(sweep) == "sweep 400 of 2,000 53m 20s left"
    assert " ".join(bar) == "a 400 of 1,000 20m 00s left AP 10.0 loss 3.250 2.00 s/it"


def test_an_evaluation_is_shown_as_what_it_is(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All iterations are trained; what goes on is told, and no time of nothing is left."""
    output = io.StringIO()
    console = Console(file=output, width=80, height=20, force_terminal=True, no_color=True)
    run = plan.runs["a"]
    add(store, "a", iteration=1000, total_loss=3.25, time=2.0)
    tell_scoring(store.run("a"), Scoring(images="test", done=120, of=500))
    with Progress(plan, store, console) as progress:
        assert " ".join(drawn(progress, run, output)[2]) == "a scoring 120 of 500"
        end_scoring(store.run("a"))
        shown = " ".join(drawn(progress, run, output)[2])
        assert shown.startswith("a 1,000 of 1,000")
        assert "left" not in shown
    now = [1000.0]
    monkeypatch.setattr("gdsweep.cluster.local.progress.time.monotonic", lambda: now[0])
    tell_scoring(store.run("a"), Scoring(images="test", done=130, of=500))
    lines = io.StringIO()
    progress = Progress(plan, store, Console(file=lines, width=200, highlight=False))
    for _ in range(2):
        progress.update([run], 0)
        now[0] += PERIOD
    assert lines.getvalue() == "a: scoring 130 of 500 test images\n"


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
