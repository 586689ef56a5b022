"""SLURM begins again at old ids when it loses its state: whose a job is, its comment tells."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from test_launches import Fakes


@pytest.fixture
def fakes(cluster: Any) -> Iterator[Fakes]:
    """A cluster whose ids have begun again at the first; nothing starts before it is opened."""
    forget(cluster.slurm)
    yield Fakes(cluster)
    open_(cluster.slurm)


def forget(slurm: Any) -> None:
    """Kill the controller and start it without what it knew of jobs, ids included.

    It saves that every five seconds: a kill alone would leave to the clock what is lost.
    """
    slurm.kill("controller")
    for path in (slurm.folder / "state").glob("job_state*"):
        path.unlink()
    slurm.start_controller()
    slurm.until(slurm.idle, "nodes", 60)
    close(slurm)


def close(slurm: Any) -> None:
    slurm.command("scontrol", "update", "PartitionName=low", "State=DOWN", check=True)


def open_(slurm: Any) -> None:
    slurm.command("scontrol", "update", "PartitionName=low", "State=UP", check=True)


def test_strangers_with_our_ids_are_let_alone(fakes: Fakes) -> None:
    runs = {"a": {"iterations": 5}, "b": {"iterations": 5, "cpus": 2}}
    jobs = fakes.submit(runs)
    forget(fakes.slurm)
    for _ in jobs:
        fakes.slurm.command("sbatch", "-o", "/dev/null", "--wrap", "sleep 60", check=True)
    states = fakes.cluster.states()
    assert set(states) == set(jobs.values()), "strangers have our ids"
    assert "nothing to cancel" in fakes.launch(runs, "--cancel")
    assert {fakes.cluster.states()[job] for job in jobs.values()} == {"PENDING"}
    plan = json.loads(fakes.launch(runs, "--dry-run", "--json"))
    assert [run["status"] for run in plan["runs"]] == ["new", "new"]
    again = fakes.submit(runs)
    assert not set(again.values()) & set(jobs.values())
    fakes.slurm.command("scancel", *jobs.values(), check=True)
    open_(fakes.slurm)
    assert set(fakes.cluster.wait(again).values()) == {"COMPLETED"}


def test_a_controller_that_dies_behind_an_sbatch(fakes: Fakes) -> None:
    """It forgets what it took in its last seconds, and gives the ids to others."""
    runs = {"teacher": {"iterations": 5}, "student": {"iterations": 5, "teacher": ["teacher", 5]}}
    first = fakes.submit(runs)
    forget(fakes.slurm)
    assert not fakes.cluster.states(), "forgotten"
    other = fakes.submit({"other": {"iterations": 5}})
    assert other["other"] == first["teacher"], "two submissions, one id"
    again = fakes.submit({**runs, "other": {"iterations": 5}})
    assert set(again) == {"teacher", "student"}
    open_(fakes.slurm)
    ended = fakes.cluster.wait({**again, **other})
    assert set(ended.values()) == {"COMPLETED"}, fakes.slurm.trouble()
    started = [run for run, what in fakes.trained() if what == "start"]
    assert sorted(started) == ["other", "student", "teacher"], "each once"
