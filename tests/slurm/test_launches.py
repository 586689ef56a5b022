"""Launches on a real SLURM with a trainer that trains nothing: what goes up and comes down."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).resolve().parents[1] / "fake_launch.py"
LINE = {
    "teacher": {"iterations": 10},
    "guided": {"iterations": 10, "teacher": ["teacher", 10]},
    "student": {"iterations": 20, "parent": ["guided", 10]},
}


class Fakes:
    """Launches of hand-made graphs."""

    def __init__(self, cluster: Any) -> None:
        self.cluster, self.slurm, self.store = cluster, cluster.slurm, cluster.store
        self.ledger = cluster.folder / "ledger"
        self.ledger.touch()

    def launch(
        self, runs: dict[str, Any], *flags: str, fake: dict[str, Any] | None = None, code: int = 0
    ) -> str:
        """One launch; returns what it printed."""
        grid = self.cluster.folder / "graph.json"
        grid.write_text(json.dumps(runs))
        done = subprocess.run(
            [sys.executable, str(FAKE), str(grid), "--store", str(self.store.root), "--yes",
             "--cluster", "slurm", *flags],
            cwd=self.cluster.folder,
            env=self.cluster.environment(FAKE=json.dumps(fake or {}), FAKE_LEDGER=str(self.ledger)),
            capture_output=True, text=True, timeout=400,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def submit(self, runs: dict[str, Any], *flags: str, **options: Any) -> dict[str, str]:
        """One launch; returns run to job."""
        submitted: dict[str, str] = json.loads(self.launch(runs, "--json", *flags, **options))[
            "submitted"
        ]
        return submitted

    def trained(self) -> list[tuple[str, str]]:
        """(run, what) in the order it happened."""
        return [tuple(line.split()[:2]) for line in self.ledger.read_text().splitlines()]  # type: ignore[misc]


@pytest.fixture
def fakes(cluster: Any) -> Fakes:
    return Fakes(cluster)


@pytest.fixture
def closed(cluster: Any) -> Any:
    """Jobs are accepted, and none starts."""
    cluster.slurm.command("scontrol", "update", "PartitionName=low", "State=DOWN", check=True)
    yield cluster
    cluster.slurm.command("scontrol", "update", "PartitionName=low", "State=UP", check=True)


def test_never_more_at_once_than_asked(fakes: Fakes) -> None:
    runs = {f"r{n}": {"iterations": 10} for n in range(5)}
    jobs = fakes.submit(runs, "--max-running", "2", fake={"": {"seconds": 0.1}})
    assert {job.partition("_")[0] for job in jobs.values()} == {jobs["r0"].partition("_")[0]}
    most = 0

    def over() -> bool:
        nonlocal most
        states = [fakes.cluster.states()[job] for job in jobs.values()]
        most = max(most, states.count("RUNNING"))
        return set(states) == {"COMPLETED"}

    fakes.slurm.until(over, "end", 90)
    assert most == 2


def test_students_wait_for_their_own_teacher_and_a_failure_takes_only_its_own(fakes: Fakes) -> None:
    runs = {f"{name}{n}": entry for n in (0, 1) for name, entry in LINE.items()}
    for n in (0, 1):
        runs[f"guided{n}"] = {"iterations": 10, "teacher": [f"teacher{n}", 10]}
        runs[f"student{n}"] = {"iterations": 20, "parent": [f"guided{n}", 10]}
    jobs = fakes.submit(runs, fake={"teacher0": {"fail_at": 3}})
    assert len({job.partition("_")[0] for job in jobs.values()}) == 3  # three arrays
    states = fakes.cluster.wait(jobs)
    assert {run: states[job] for run, job in jobs.items()} == {
        "teacher0": "FAILED", "guided0": "CANCELLED", "student0": "CANCELLED",
        "teacher1": "COMPLETED", "guided1": "COMPLETED", "student1": "COMPLETED",
    }  # fmt: skip
    ledger = fakes.trained()
    assert ledger.index(("guided1", "start")) > ledger.index(("teacher1", "10"))
    again = fakes.submit(runs, "--retry")
    assert set(again) == {"teacher0", "guided0", "student0"}
    assert set(fakes.cluster.wait(again).values()) == {"COMPLETED"}


def test_a_checkpoint_that_is_there_needs_no_dependency(fakes: Fakes) -> None:
    fakes.cluster.wait(fakes.submit({"teacher": LINE["teacher"]}))
    jobs = fakes.submit(LINE)
    assert set(jobs) == {"guided", "student"}
    shown = fakes.slurm.command("scontrol", "show", "job", "-o", jobs["guided"]).stdout
    assert "Dependency=(null)" in shown
    assert set(fakes.cluster.wait(jobs).values()) == {"COMPLETED"}


def test_launching_again_releases_who_needs_a_milestone_only(fakes: Fakes) -> None:
    runs = {f"t{n}": {"iterations": 10, "milestones": [5]} for n in (0, 1)}
    runs |= {f"g{n}": {"iterations": 10, "teacher": [f"t{n}", 5]} for n in (0, 1)}
    go = str(fakes.cluster.folder / "go")
    jobs = fakes.submit(runs, fake={"t0": {"hold": [8, go]}, "t1": {"hold": [4, go]}})
    fakes.slurm.until(fakes.store.run("t0").state(5).exists, "milestone", 30)
    out = fakes.launch(runs)
    assert f"released: g0, job {jobs['g0']}" in out
    assert "released: g1" not in out
    assert fakes.cluster.wait([jobs["g0"]]) == {jobs["g0"]: "COMPLETED"}
    assert fakes.cluster.states()[jobs["t0"]] == "RUNNING"
    (fakes.cluster.folder / "go").touch()
    assert set(fakes.cluster.wait(jobs).values()) == {"COMPLETED"}


def test_a_student_verifies_its_parent_whatever_slurm_says(fakes: Fakes) -> None:
    jobs = fakes.submit(LINE, fake={"teacher": {"hold": [5, str(fakes.cluster.folder / "go")]}})
    # an operator lifts the dependency, as SLURM itself does for an id it has forgotten
    fakes.slurm.command("scontrol", "update", f"JobId={jobs['guided']}", "Dependency=", check=True)
    states = fakes.cluster.wait([jobs["guided"]])
    assert states == {jobs["guided"]: "FAILED"}
    assert "teacher@10 not there; launch again" in fakes.cluster.log("guided")
    assert fakes.cluster.attempts("guided") == []
    (fakes.cluster.folder / "go").touch()
    fakes.cluster.wait([jobs["teacher"]])
    again = fakes.submit(LINE)
    assert set(again) == {"guided", "student"}
    assert set(fakes.cluster.wait(again).values()) == {"COMPLETED"}


def test_a_job_that_dies_again_and_again_is_stuck(fakes: Fakes) -> None:
    dies = {"alone": {"hold": [3, str(fakes.cluster.folder / "never")]}}
    ((run, job),) = fakes.submit({"alone": {"iterations": 10}}, fake=dies).items()
    for number in (1, 2):
        fakes.slurm.until(lambda n=number: len(fakes.cluster.attempts(run)) == n, "attempt", 60)
        node = fakes.slurm.command("squeue", "-h", "-j", job, "-o", "%N").stdout.strip()
        fakes.slurm.kill(node)  # a power cut does not ask to save
        down = ["scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=dead"]
        fakes.slurm.command(*down, check=True)
        fakes.slurm.start_node(node)
    assert fakes.cluster.wait([job]) == {job: "FAILED"}
    first, second = fakes.cluster.attempts(run)
    assert first["outcome"] is None
    assert (second["outcome"], second["cause"]) == ("failed", "stuck")
    again = fakes.submit({"alone": {"iterations": 10}}, "--retry")
    assert set(fakes.cluster.wait(again).values()) == {"COMPLETED"}


def test_a_node_that_may_be_why_is_avoided(fakes: Fakes) -> None:
    runs = {"alone": {"iterations": 10}}
    said = "torch.distributed.DistBackendError: NCCL error: unhandled system error"
    (job,) = fakes.submit(runs, fake={"alone": {"crash": said}}).values()
    assert fakes.cluster.wait([job]) == {job: "FAILED"}
    (attempt,) = fakes.cluster.attempts("alone")
    assert attempt["cause"] == "nccl"
    node = attempt["process"]["nodes"]
    assert node in fakes.slurm.nodes
    out = fakes.launch(runs, "--retry", "--avoid-bad-nodes")
    assert f"without {node}" in out
    (again,) = set(fakes.cluster.mine()) - {job}
    assert fakes.cluster.wait([again]) == {again: "COMPLETED"}
    shown = fakes.slurm.command("scontrol", "show", "job", "-o", again).stdout
    assert f"ExcNodeList={node} " in shown
    assert f"BatchHost={node} " not in shown


def test_no_more_jobs_than_one_may_have(fakes: Fakes) -> None:
    (fakes.cluster.folder / "small.yaml").write_text("max_submit: 2\n")
    flags = ("--profile", "small.yaml")
    runs = {f"r{n}": {"iterations": 5, "cpus": n + 1} for n in range(3)}
    out = fakes.launch(runs, *flags, code=1)
    assert "submitted 2 jobs" in out
    assert "not submitted: 1 run (" in out
    fakes.cluster.wait(fakes.cluster.mine())
    assert len(fakes.submit(runs, *flags)) == 1


def test_dropped_runs_are_listed_and_pruned_only_if_asked(fakes: Fakes, closed: Any) -> None:
    both = {"a": {"iterations": 5}, "b": {"iterations": 5}}
    jobs = fakes.submit(both)
    out = fakes.launch({"a": both["a"]})
    assert f"dropped from the grid: b, job {jobs['b']}" in out
    assert fakes.cluster.states()[jobs["b"]] == "PENDING"
    assert "cancelled 1 dropped jobs" in fakes.launch({"a": both["a"]}, "--prune")
    states = fakes.cluster.states()
    assert (states[jobs["a"]], states[jobs["b"]]) == ("PENDING", "CANCELLED")


def test_dry_run_shows_the_arrays_and_writes_nothing(cluster: Any) -> None:
    grid = cluster.grid(methods=["supervised", "guided"], seeds=[0, 1, 2])
    out = cluster.launch(grid, "--dry-run", "--cluster", "slurm").stdout
    words = next(line for line in out.splitlines()[::-1] if line.startswith("1 core")).split()
    assert words == ["1", "core", "9", "3", "3", "1", "any"]
    assert not cluster.store.root.exists()
    assert cluster.slurm.command("squeue", "-h").stdout == ""


def test_status_and_cancel_by_query(closed: Any) -> None:
    grid = closed.grid(methods=["supervised", "guided"], seeds=[0, 1])
    jobs = closed.submit(grid)
    assert len(jobs) == 6
    state = json.loads(closed.launch(grid, "--status", "--json").stdout)
    assert [row["state"] for row in state["rows"]] == ["queued (PartitionDown)"] * 4
    assert {row["job"] for row in state["rows"]} <= set(jobs.values())
    again = closed.launch(grid, "--yes", "--cluster", "slurm").stdout
    assert "6 runs are queued or running already" in again
    out = closed.launch(grid, "--cancel", "guided seed 1").stdout
    assert "cancelled 2 jobs" in out
    states = closed.states()
    cancelled = {run for run, job in jobs.items() if states[job] == "CANCELLED"}
    assert len(cancelled) == 2
    assert all("s1" in run and "supervised" not in run for run in cancelled)
    assert "cancelled 4 jobs" in closed.launch(grid, "--cancel").stdout
    assert {closed.states()[job] for job in jobs.values()} == {"CANCELLED"}


def test_watching_and_following_end_when_the_run_does(cluster: Any) -> None:
    grid = cluster.grid(settings={"schedule": {"iterations": 40}})
    (run,) = cluster.submit(grid)
    cluster.until_trained(run, 1)
    look = {
        name: subprocess.Popen(
            cluster.words(grid, *words),
            cwd=cluster.folder,
            env=cluster.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, words in {
            "watch": ["--watch", "30"],
            "follow": ["--logs", run, "--follow"],
        }.items()
    }
    said = {name: process.communicate(timeout=400)[0] for name, process in look.items()}
    assert {process.returncode for process in look.values()} == {0}, said
    heads = [line for line in said["watch"].splitlines() if "cells done" in line]
    assert heads[0].startswith("0 of 1 cells done")
    assert heads[-1].startswith("1 of 1 cells done")
    assert said["follow"].startswith(f"==> {cluster.store.run(run).log} <==\n")
    assert said["follow"].endswith(cluster.log(run).splitlines(keepends=True)[-1])
    assert said["follow"].count("training images are labelled") == 1  # nothing twice


def test_doctor(cluster: Any) -> None:
    done = cluster.launch("--doctor")
    found = {line[4:].partition(":")[0]: line[:3].strip() for line in done.stdout.splitlines()}
    assert found.pop("accounting") == "-"
    assert set(found.values()) == {"ok"}, done.stdout
    assert "tasks on n1, n2 write" in done.stdout
    assert {"srun and store", "rendezvous", "torch", "signal", "requeue", "disk"} <= set(found)
    assert not list((cluster.store.root / ".slurm").glob("doctor*"))


def test_a_doctors_job_that_has_ended_is_not_waited_for(cluster: Any) -> None:
    (cluster.folder / "p.yaml").write_text("setup: ['echo no such module >&2', 'exit 3']\n")
    begin = time.monotonic()
    out = cluster.launch("--doctor", "--profile", "p.yaml", code=1).stdout
    assert "srun: no task wrote" in out
    assert "FAILED NonZeroExitCode (no such module)" in out
    assert time.monotonic() - begin < 60
