"""What SLURM's commands say, with commands that say what a test wants."""

import os
import pwd
from pathlib import Path

import pytest
from fake_commands import calls, put

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.queue import ClusterFacts, QueuedJob, expand_nodes
from gdsweep.plan.job import Job


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_one_squeue_tells_all(fake: Path) -> None:
    lines = r"7|RUNNING|abc|n1|None\n8_3|PENDING|def gpu-team||Dependency\n9|ODDLY_NEW|||x|y"
    put(fake, "squeue", f"printf '{lines}\\n'")
    jobs = slurm_queue.queue()
    assert jobs["7"] == QueuedJob("7", "RUNNING", "abc", "n1", "None")
    assert (jobs["8_3"].base, jobs["8_3"].submission, jobs["8_3"].reason) == (
        "8", "def", "Dependency",
    )  # fmt: skip
    assert jobs["9"].alive, "an unknown state is not death"
    assert jobs["9"].submission == "", "no comment is nobody's"
    assert len(calls(fake)) == 1


def test_we_are_who_the_process_belongs_to(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("USER", "somebody")
    put(fake, "squeue", "exit 0")
    slurm_queue.queue(["daemon", "left-the-group-long-ago"])
    me = pwd.getpwuid(os.getuid()).pw_name
    (command,) = calls(fake)
    assert f"-u daemon,{me} " in command or f"-u {me},daemon " in command


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "REQUEUE_HOLD", "STAGE_OUT", "SUSPENDED",
                                   "CONFIGURING", "RESIZING", "SIGNALING", "WHATEVER"])  # fmt: skip
def test_states_that_live(state: str) -> None:
    assert QueuedJob("1", state).alive


def test_history_without_accounting_is_empty(fake: Path) -> None:
    put(fake, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    assert slurm_queue.history({"7": "abc"}, 0.0) == {}


def test_history_reads_one_sacct_and_leaves_strangers_out(fake: Path) -> None:
    lines = (
        r"7|CANCELLED by 0|n1|run.abc\n8_1|OUT_OF_MEMORY|n2|grid.def\n9|FAILED|n1|my-own-work\n"
        r"10|FAILED|n1|run|with|pipes.xyz\n"
    )
    put(fake, "sacct", f"printf '{lines}'")
    found = slurm_queue.history({"7": "abc", "8_1": "def", "9": "ghi", "10": "xyz"}, 1e9)
    assert {name: job.state for name, job in found.items()} == {
        "7": "CANCELLED", "8_1": "OUT_OF_MEMORY", "10": "FAILED",
    }  # fmt: skip
    assert len(calls(fake)) == 1


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("", []),
        ("n1", ["n1"]),
        ("n[1-2]", ["n1", "n2"]),
        ("gpu[08-10,12],cpu3", ["gpu08", "gpu09", "gpu10", "gpu12", "cpu3"]),
        ("r[1-2]n[3-4]", ["r1n3", "r1n4", "r2n3", "r2n4"]),
        ("cn[01-02]-ib0", ["cn01-ib0", "cn02-ib0"]),
        ("a[1,3]-x,b-2", ["a1-x", "a3-x", "b-2"]),
    ],
)
def test_node_lists(nodes: str, names: list[str]) -> None:
    assert expand_nodes(nodes) == names


def test_what_the_controller_says_of_itself(fake: Path) -> None:
    put(fake, "scontrol", "echo 'MaxArraySize            = 4001'; echo 'ClusterName = red'")
    assert slurm_queue.cluster_facts() == ClusterFacts("red", 4001)
    put(fake, "scontrol", "echo nothing")
    assert slurm_queue.cluster_facts() == ClusterFacts(None, 1001)


@pytest.mark.parametrize(
    ("state", "reason", "job"),
    [
        ("PENDING", "Dependency", Job("7", "waiting")),
        ("PENDING", "Resources", Job("7", "queued", "Resources")),
        ("PENDING", "Priority", Job("7", "queued")),
        ("PENDING", "None", Job("7", "queued")),
        ("RUNNING", "None", Job("7", "running")),
        ("COMPLETING", "None", Job("7", "running")),
        ("BRAND_NEW_STATE", "None", Job("7", "running", "BRAND_NEW_STATE")),  # alive till known
        ("TIMEOUT", "None", Job("7", "ended", "TIMEOUT")),
    ],
)
def test_a_job_in_a_plans_words(state: str, reason: str, job: Job) -> None:
    assert QueuedJob("7", state, reason=reason).job() == job
    assert QueuedJob("7", state, reason=reason, nodes="n1").job().nodes == "n1"
