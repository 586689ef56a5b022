"""Whole launches: real processes, a hand-made graph, the fake trainer."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from handmade import make_graph

from gdsweep.cluster.executor import Options, open_executor
from gdsweep.cluster.local.executor import LocalExecutor, describe
from gdsweep.cluster.local.machine import Machine
from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
from gdsweep.plan.planning import make_plan
from gdsweep.plan.request import Request
from gdsweep.runs import Store

CONTROL = {"iterations": 40, "milestones": [10], "best": True}
GUIDED = {"iterations": 20, "horizon": 40, "milestones": [20], "teacher": ["control", 10]}
STUDENT = {"iterations": 40, "parent": ["guided", 20], "best": True}
LINE = {"control": CONTROL, "guided": {**GUIDED, "cell": False}, "student": STUDENT}
ALONE = {"iterations": 10}


def last(output: str) -> str:
    return output.splitlines()[-1]


def state_in(output: str) -> dict[str, Any]:
    """The JSON after the lines for people."""
    state: dict[str, Any] = json.loads(output[output.index("{\n") :])
    return state


def test_the_whole_line_then_nothing(bench: Any) -> None:
    bench.write(LINE)
    begun = str(bench.store / "guided" / "attempts" / "001.json")
    code, output = bench.launch("--yes", fake={"control": {"hold": [30, begun]}})
    assert code == 0, output
    assert "running on this machine (" in output
    collect = f"python collect.py {bench.grid} --store {bench.store}"
    assert last(output) == f"done: 2 of 2 cells; see them with: {collect}"
    ledger = bench.ledger()
    # the teacher is an early milestone: its student does not wait for the control's end
    assert ledger.index(("guided", "start")) < ledger.index(("control", "40"))
    assert ledger.index(("student", "start")) > ledger.index(("guided", "20"))
    assert ("student", "21") in ledger
    assert ("student", "20") not in ledger
    assert bench.repeated() == []
    before = sorted((path, path.stat().st_mtime_ns) for path in bench.store.rglob("*"))
    assert bench.launch() == (0, "nothing to do: 2 of 2 cells are done\n")
    assert sorted((path, path.stat().st_mtime_ns) for path in bench.store.rglob("*")) == before


@pytest.mark.parametrize(
    ("sbatch", "cluster", "reason"),
    [
        (None, None, "no SLURM: sbatch is not on the PATH"),
        ("/usr/bin/sbatch", None, "sbatch is on the PATH, but no SLURM is configured here"),
        ("/usr/bin/sbatch", "local", "as asked"),
    ],
)
def test_it_says_where_it_runs_and_why(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sbatch: str | None,
    cluster: str | None,
    reason: str,
) -> None:
    monkeypatch.setattr("gdsweep.cluster.slurm.executor.available", lambda: sbatch is not None)
    monkeypatch.setattr("gdsweep.cluster.slurm.executor.configured", lambda: False)
    executor = open_executor(Request(folder=tmp_path), Options(cluster=cluster), TRAINER)
    assert (type(executor), executor.because) == (LocalExecutor, reason)
    graph = make_graph({"a": {"iterations": 5}, "b": {"iterations": 5, "gpus": 8}})
    todo = make_plan(graph, Store(tmp_path)).todo()
    text = describe(Machine(4, ("x", "y")), todo, reason)
    assert text == f"running on this machine ({reason}): 4 cores, 2 GPUs, as many at once as fit"
    text = describe(Machine(4), todo, reason, jobs=2)
    assert text.endswith(": 4 cores, 2 at once; runs that ask for GPUs compute on the CPU")


def test_an_executor_that_cannot_be_used_or_is_unknown_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gdsweep.cluster.slurm.executor.available", lambda: False)
    with pytest.raises(BadInput, match="--cluster slurm: no SLURM: sbatch is not on the PATH"):
        open_executor(Request(), Options(cluster="slurm"), TRAINER)
    with pytest.raises(BadInput, match="--cluster moon: no such executor; there are slurm, local"):
        open_executor(Request(), Options(cluster="moon"), TRAINER)


def test_dry_run_writes_nothing(bench: Any) -> None:
    bench.write(LINE)
    code, output = bench.launch("--dry-run", "--json")
    state = state_in(output)
    assert code == 0
    assert (state["cells"], state["trajectories"], state["new"], state["done"]) == (2, 3, 3, 0)
    assert state["iterations_planned"] == 40 + 20 + 20
    assert state["iterations_unshared"] == 40 + (10 + 20 + 20)
    assert not bench.store.exists()
    assert bench.ledger() == []


def test_it_asks_only_on_a_terminal(bench: Any) -> None:
    bench.write(LINE)
    code, output = bench.launch()
    assert code == 2
    assert "--yes starts the 3 runs without asking" in last(output)
    assert not bench.store.exists()


def test_json_alone_is_on_stdout(bench: Any) -> None:
    bench.write({"alone": ALONE})
    process = bench.start("--yes", "--json")
    process.communicate(timeout=60)
    done = subprocess.run(
        process.args, capture_output=True, text=True, env={**os.environ, **bench.environment()}
    )
    assert json.loads(done.stdout)["cells_by_status"]["done"] == 1
    assert done.stderr == "nothing to do: 1 of 1 cells are done\n"


def test_a_failure_blocks_only_what_needs_it(bench: Any) -> None:
    bench.write({**LINE, "alone": ALONE})
    code, output = bench.launch("--yes", fake={"guided": {"fail_at": 15}})
    assert code == 1
    log = bench.store / "guided" / "log.txt"
    failure = "the loss is nan; images of the batch: train/15.jpg"
    where = f"{log}:2: {failure}"
    assert f"guided: failed, see {where}" in output
    assert log.read_text().splitlines()[1] == f"error: {failure}"
    assert "student: blocked, it needs guided" in output
    assert last(output) == "2 of 3 cells are done; launch again with --retry to try the rest"
    assert ("student", "start") not in bench.ledger()
    assert not (bench.store / "student" / "log.txt").exists()

    before = bench.ledger()
    code, output = bench.launch("--yes")  # without --retry: told, not tried
    assert code == 1
    assert f"failed: guided, see {where}" in output
    assert last(output) == "--retry starts 1 failed again with 1 blocked behind"
    assert bench.ledger() == before

    code, output = bench.launch("--yes", "--retry")
    assert (code, last(output)[:18]) == (0, "done: 3 of 3 cells"), output


def test_a_failure_without_a_record_tells_its_last_words(bench: Any) -> None:
    bench.write({"alone": ALONE})
    code, output = bench.launch("--yes", fake={"alone": {"crash": "no module named torch"}})
    assert code == 1
    assert f"{bench.store}/alone/log.txt:1: no module named torch" in output


def test_a_child_killed_is_told_and_continued_next_time(bench: Any) -> None:
    bench.write({**LINE, "alone": ALONE})
    code, output = bench.launch("--yes", fake={"control": {"die_at": 25, "seconds": 0.01}})
    assert code == 1
    assert f"{bench.store}/control/log.txt: killed by signal 9 (out of memory?)" in output
    assert "launch again to try the rest" in last(output)
    state = state_in(bench.launch("--dry-run", "--json")[1])
    assert state["interrupted"] >= 1
    code, output = bench.launch("--yes")
    assert code == 0, output
    # 21 to 25 came after the last state on disk
    assert {iteration for run, iteration in bench.repeated() if run == "control"} == {
        str(n) for n in range(21, 26)
    }


def test_a_watcher_starts_nothing_and_asks_nothing(bench: Any) -> None:
    bench.write({"alone": ALONE})
    gate = bench.folder / "gate"
    first = bench.start("--yes", fake={"alone": {"hold": [5, str(gate)]}})
    bench.until_trained("alone", 4)
    second = bench.start()
    message = "nothing to start: watching what another launch trains"
    bench.until(lambda: message in second.stdout.readline())
    gate.touch()
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 0, output
    assert last(output).startswith("done: 1 of 1 cells")
    assert first.wait(timeout=20) == 0
    assert bench.repeated() == []


def test_bad_input_of_the_trainer_is_bad_input_of_the_launch(bench: Any) -> None:
    bench.write({"alone": ALONE, "other": ALONE})
    fake = {"alone": {"bad_input": "images/7.jpg: truncated"}}
    code, output = bench.launch("--yes", fake=fake)
    assert code == 2
    assert "alone/log.txt:2: images/7.jpg: truncated" in output
    assert "1 of 2 cells are done" in last(output)


def test_two_launches_at_once_double_nothing(bench: Any) -> None:
    bench.write({**LINE, "alone": ALONE, "other": {"iterations": 30}})
    launches = [bench.start("--yes", fake={"": {"seconds": 0.01}}) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in launches]
    assert [process.returncode for process in launches] == [0, 0], outputs
    assert bench.repeated() == []
    assert [last(output)[:18] for output in outputs] == ["done: 4 of 4 cells"] * 2


def test_a_launcher_killed_leaves_runs_to_be_watched(bench: Any) -> None:
    bench.write(LINE)
    gate = bench.folder / "gate"
    process = bench.start("--yes", fake={"control": {"hold": [20, str(gate)]}})
    bench.until_trained("control", 5)
    process.kill()
    process.wait()
    second = bench.start("--yes")
    bench.until(lambda: "control  running at" in second.stdout.readline())
    gate.touch()
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output
    assert bench.repeated() == []
    starts = [run for run, what in bench.ledger() if what == "start"]
    assert sorted(starts) == ["control", "guided", "student"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_orderly(bench: Any, number: signal.Signals, code: int) -> None:
    bench.write(LINE)
    process = bench.start("--yes", fake={"control": {"hold": [20, str(bench.folder / "never")]}})
    bench.until_trained("control", 5)
    os.killpg(process.pid, number)  # as a terminal does, to its whole foreground group
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    assert last(output) == "stopped; launch again to continue"
    assert "control: stopped" in output
    attempt = json.loads((bench.store / "control" / "attempts" / "001.json").read_text())
    assert attempt["outcome"] == "stopped"
    assert bench.launch("--yes")[0] == 0
    assert bench.repeated() == []
    assert ("control", "SIGINT") not in bench.ledger()


def test_a_second_signal_kills(bench: Any) -> None:
    bench.write({"alone": {"iterations": 400}})
    process = bench.start("--yes", fake={"": {"seconds": 0.02, "slow_save": 60}})
    bench.until_trained("alone", 3)
    process.send_signal(signal.SIGINT)
    bench.until(lambda: "stopping" in process.stdout.readline())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert (process.returncode, last(output)) == (130, "stopped; launch again to continue")
    bench.until(lambda: not Path(f"/proc/{bench.pids()['alone']}").exists())


def test_a_background_launch_keeps_ignoring_hangups(bench: Any) -> None:
    bench.write({"alone": {"iterations": 30}})
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as nohup does
    try:
        process = bench.start("--yes", fake={"": {"seconds": 0.02}})
    finally:
        signal.signal(signal.SIGHUP, before)
    bench.until_trained("alone", 3)
    process.send_signal(signal.SIGHUP)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output


def test_the_longest_chain_goes_first(bench: Any) -> None:
    bench.write({"alone": {"iterations": 25}, **LINE})
    assert bench.launch("--yes", "--jobs", "1")[0] == 0
    order = [run for run, what in bench.ledger() if what == "start"]
    assert order == ["control", "guided", "alone", "student"]
    trained = [run for run, what in bench.ledger() if what.isdigit()]
    changes = sum(a != b for a, b in itertools.pairwise(trained))
    assert changes == 3  # one at a time


def test_a_second_grid_extends_a_shared_run(bench: Any) -> None:
    bench.write({"control": {"iterations": 10, "stop": 10, "horizon": 40}})
    assert bench.launch("--yes")[0] == 0
    bench.write({"control": {"iterations": 40, "milestones": [20]}})
    code, output = bench.launch("--yes")
    assert code == 0
    assert "control  interrupted at 10 of 40" in output
    assert bench.repeated() == []
    wanted = json.loads((bench.store / "control" / "wanted.json").read_text())
    assert (wanted["stop"], wanted["milestones"]) == (40, [20])


def test_a_damaged_run_is_left_alone_and_the_others_go_on(bench: Any) -> None:
    bench.write(LINE)
    assert bench.launch("--yes")[0] == 0
    record = bench.store / "control" / "attempts" / "001.json"
    record.write_text('{"number": 1, "star')
    score = next((bench.store / "control").glob("scores/*.json"))
    score.unlink()
    shutil.rmtree(bench.store / "student")
    before = {path: path.read_bytes() for path in (bench.store / "control").rglob("*.*")}
    bench.write({**LINE, "alone": ALONE})
    code, output = bench.launch("--yes", "--retry")
    assert code == 1
    assert f"left alone: control: {record}: damaged (" in output
    assert "blocked behind what is left alone: 1" in output
    assert [run for run, what in bench.ledger() if what == "start"][3:] == ["alone"]
    assert {p: p.read_bytes() for p in (bench.store / "control").rglob("*.*")} == before
    code, output = bench.launch("--yes")
    assert (code, "nothing to start" in output) == (1, True)
    code, output = bench.launch("--status")
    assert code == 0
    assert str(record) in output
    code, output = bench.launch("--cancel")
    assert (code, output) == (0, "nothing to cancel: no job is pending or running\n")


def test_a_store_that_cannot_be_written(bench: Any) -> None:
    bench.write({"alone": ALONE})
    bench.store.write_text("a file, not a folder")
    code, output = bench.launch("--yes")
    assert code == 2
    assert output == (
        f"launch.py: {bench.store}: the store cannot be read (Not a directory); "
        "name a folder with --store\n"
    )
    assert bench.store.read_text() == "a file, not a folder"


def test_a_store_that_cannot_be_made(bench: Any) -> None:
    bench.write({"alone": ALONE})
    code, output = bench.launch("--yes", "--store", "/proc/runs")
    assert code == 2
    assert "launch.py: /proc/runs: the store cannot be written (" in last(output)


def test_a_full_disk(bench: Any) -> None:
    """A real full file system, in a mount namespace of its own."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no right to mount a small tmpfs (unshare -rm)")
    bench.write({f"run{n}": ALONE for n in range(40)})
    bench.store.mkdir()
    script = (
        f"mount -t tmpfs -o size=64k tmpfs {bench.store} || exit 77; "
        f"{sys.executable} {Path(__file__).parents[1] / 'fake_launch.py'} {bench.grid} "
        f"--store {bench.store} --yes >{bench.folder}/output 2>&1; code=$?; "
        f"ls -A {bench.store} >{bench.folder}/left; exit $code"
    )
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", script], env={**os.environ, **bench.environment()}
    )
    if done.returncode == 77:
        pytest.skip("no right to mount a small tmpfs")
    output = (bench.folder / "output").read_text()
    assert done.returncode == 2, output
    assert "the store cannot be written (No space left on device)" in last(output)
    assert "Traceback" not in output
    left = (bench.folder / "left").read_text().split()
    assert [name for name in left if name.startswith(".") and name != ".lock"] == []
    assert bench.ledger() == []


def test_resources_and_paths_follow_the_grid(bench: Any) -> None:
    bench.write({"alone": {"iterations": 40, "stop": 10, "cpus": 1}})
    assert bench.launch("--yes")[0] == 0
    bench.write({"alone": {"iterations": 40, "cpus": 2}})
    assert bench.launch("--yes")[0] == 0
    threads = [what for _, what in bench.ledger() if what.startswith("threads=")]
    assert threads == ["threads=1", "threads=2"]
    assert "cpus: 2" in (bench.store / "alone" / "config.yaml").read_text()
