"""The local executor on machines that are not this one."""

import io
import os
import signal
import threading
from typing import Any

import pytest
from handmade import TRAINER, make_graph
from rich.console import Console

from gdsweep.cluster.launching import prepare
from gdsweep.cluster.local.execution import Execution, Outcome
from gdsweep.cluster.local.machine import Machine
from gdsweep.cluster.local.progress import Progress
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store, lock
from gdsweep.runs.attempts import last_attempt


def execute(
    bench: Any,
    monkeypatch: pytest.MonkeyPatch,
    runs: dict[str, dict[str, Any]],
    machine: Machine,
    fake: dict[str, Any] | None = None,
    trainer: tuple[str, ...] = TRAINER,
    **options: Any,
) -> tuple[Outcome, str]:
    for name, value in bench.environment(fake).items():
        monkeypatch.setenv(name, value)
    graph, store = make_graph(runs), Store(bench.store)
    plan = make_plan(graph, store)
    prepare(graph, store, plan.todo())
    output = io.StringIO()
    progress = Progress(plan, store, Console(file=output, width=200))
    executor = Execution(plan, store, machine, progress, trainer=trainer, **options)
    return executor.execute(), output.getvalue()


def told(bench: Any, key: str) -> dict[str, str]:
    return {run: what.removeprefix(key) for run, what in bench.ledger() if what.startswith(key)}


def begun(bench: Any, names: str) -> list[str]:
    """Files that exist once the runs have trained a little."""
    return [str(bench.store / name / "metrics.json") for name in names]


def most_at_once(bench: Any) -> int:
    """The largest number of runs whose iterations interleave."""
    trained = [run for run, what in bench.ledger() if what.isdigit()]
    spans = {run: (trained.index(run), len(trained) - trained[::-1].index(run)) for run in trained}
    return max(sum(a <= at < b for a, b in spans.values()) for at in range(len(trained)))


def test_gpus_are_given_out_and_given_back(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {name: {"iterations": 15, "gpus": 1} for name in "abc"}
    runs["cpu"] = {"iterations": 15, "gpus": 1, "device": "cpu"}
    fake = {"": {"seconds": 0.05}}
    outcome, _ = execute(bench, monkeypatch, runs, Machine(1, ("GPU-x", "GPU-y")), fake)
    assert sorted(outcome.finished) == ["a", "b", "c", "cpu"]
    gpus = told(bench, "gpus=")
    assert gpus["cpu"] == ""
    assert {gpus["a"], gpus["b"]} == {"GPU-x", "GPU-y"}
    assert gpus["c"] in ("GPU-x", "GPU-y")
    ledger = bench.ledger()
    first_end = min(ledger.index((name, "15")) for name in "ab")
    assert ledger.index(("c", "start")) > first_end


def test_a_gpu_that_others_use_is_waited_for(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [{"GPU-x", "GPU-y"}, {"GPU-x"}]
    monkeypatch.setattr("gdsweep.cluster.local.execution.GPU_POLL", 0.1)
    monkeypatch.setattr(Machine, "busy_gpus", lambda self: busy.pop(0) if busy else {"GPU-x"})
    runs = {"a": {"iterations": 5, "gpus": 1}}
    outcome, _ = execute(bench, monkeypatch, runs, Machine(1, ("GPU-x", "GPU-y")))
    assert outcome.finished == ["a"]
    assert told(bench, "gpus=") == {"a": "GPU-y"}


def test_cores_bound_what_runs_at_once(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {name: {"iterations": 20, "cpus": 2} for name in "abc"}
    fake = {name: {"hold": [10, *begun(bench, "ab")]} for name in "ab"}
    outcome, _ = execute(bench, monkeypatch, runs, Machine(4), fake)
    assert sorted(outcome.finished) == ["a", "b", "c"]
    assert most_at_once(bench) == 2
    assert set(told(bench, "threads=").values()) == {"2"}


def test_a_run_larger_than_the_machine_runs_alone(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {name: {"iterations": 10, "cpus": 64} for name in "ab"}
    outcome, _ = execute(bench, monkeypatch, runs, Machine(2))
    assert sorted(outcome.finished) == ["a", "b"]
    assert most_at_once(bench) == 1


def test_jobs_overrule_cores(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {name: {"iterations": 20, "cpus": 64} for name in "abc"}
    fake = {"": {"hold": [10, *begun(bench, "abc")]}}
    execute(bench, monkeypatch, runs, Machine(1), fake, jobs=3)
    assert most_at_once(bench) == 3


def test_a_run_held_elsewhere_is_waited_for(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = {"a": {"busy": str(bench.folder / "marker")}}
    outcome, output = execute(bench, monkeypatch, {"a": {"iterations": 5}}, Machine(1), fake)
    assert outcome.finished == ["a"]
    assert "a: another launch trains it; waiting" in output
    assert [what for _, what in bench.ledger()][:2] == ["busy", "start"]


def test_a_trainer_that_cannot_start(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, _ = execute(
        bench, monkeypatch, {"a": {"iterations": 5}}, Machine(1), trainer=("/nonexistent",)
    )
    assert outcome.failed == {"a": f"{bench.store}/a/log.txt: No such file or directory"}


def test_delivering_nothing_is_a_failure(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, _ = execute(
        bench, monkeypatch, {"a": {"iterations": 5}}, Machine(1), trainer=("/bin/true",)
    )
    assert "ended without delivering" in outcome.failed["a"]


def test_a_run_stopped_by_somebody_else_is_told(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {"a": {"iterations": 5}}
    script = bench.folder / "stopped.py"
    script.write_text("raise SystemExit(3)")
    trainer = (TRAINER[0], str(script))
    outcome, _ = execute(bench, monkeypatch, runs, Machine(1), trainer=trainer)
    assert "stopped by a signal, its state saved; launch again" in outcome.failed["a"]


@pytest.mark.slow
def test_several_gpus_run_under_torchrun(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runs = {"a": {"iterations": 5, "gpus": 2}, "b": {"iterations": 5, "gpus": 2}}
    fake = {"b": {"fail_at": 3}}
    outcome, _ = execute(bench, monkeypatch, runs, Machine(1, ("x", "y")), fake)
    assert outcome.finished == ["a"]
    assert outcome.failed["b"].endswith("the loss is nan; images of the batch: train/3.jpg")
    assert told(bench, "gpus=") == {"a": "x,y", "b": "x,y"}
    assert os.path.exists(bench.store / "a" / "done.json")


@pytest.mark.slow
def test_torchruns_workers_save_when_stopped(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        bench.until_trained("a", 3)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    runs = {"a": {"iterations": 2000, "gpus": 2}}
    fake = {"": {"seconds": 0.02}}
    outcome, output = execute(bench, monkeypatch, runs, Machine(1, ("x", "y")), fake)
    assert outcome.signal == signal.SIGINT
    assert "a: stopped" in output
    attempt = last_attempt(Store(bench.store).run("a"))
    assert attempt is not None
    assert attempt.outcome == "stopped"
    assert not lock.is_held(bench.store / "a" / "lock")
