"""What SLURM's commands say, with commands that say what a test wants."""

from pathlib import Path

import pytest

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.queue import QueuedJob, expand_nodes, is_full, is_transient
from gdsweep.errors import BadInput


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(slurm_queue.time, "sleep", lambda seconds: None)
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho x >> {folder}/calls\n{script}\n")
    (folder / name).chmod(0o755)


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


def test_one_squeue_tells_all(fake: Path) -> None:
    lines = r"7|RUNNING|abc|n1|None\n8_3|PENDING|def||Dependency\n9|ODDLY_NEW|||x|y"
    put(fake, "squeue", f"printf '{lines}\\n'")
    jobs = slurm_queue.queue()
    assert jobs["7"] == QueuedJob("7", "RUNNING", "abc", "n1", "None")
    assert jobs["8_3"].reason == "Dependency"
    assert jobs["9"].alive, "an unknown state is not death"
    assert calls(fake) == 1


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "REQUEUE_HOLD", "STAGE_OUT", "SUSPENDED",
                                   "CONFIGURING", "RESIZING", "SIGNALING", "WHATEVER"])  # fmt: skip
def test_states_that_live(state: str) -> None:
    assert QueuedJob("1", state).alive


def test_history_without_accounting_is_empty(fake: Path) -> None:
    put(fake, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    assert slurm_queue.history(["7"], 0.0) == {}


def test_history_reads_one_sacct(fake: Path) -> None:
    put(fake, "sacct", r"printf '7|CANCELLED by 0|n1\n8_1|OUT_OF_MEMORY|n2\n'")
    found = slurm_queue.history(["7", "8_1"], 1e9)
    assert (found["7"].state, found["8_1"].state) == ("CANCELLED", "OUT_OF_MEMORY")
    assert calls(fake) == 1


def test_transient_errors_are_asked_again(fake: Path) -> None:
    away = "{ echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1; }"
    put(fake, "squeue", f"[ $(wc -l < {fake}/calls) -ge 3 ] || {away}; echo '7|RUNNING|||'")
    assert list(slurm_queue.queue()) == ["7"]
    assert calls(fake) == 3


def test_other_errors_are_one_line_at_once(fake: Path) -> None:
    put(fake, "squeue", "echo 'Invalid user id: nobody' >&2; exit 1")
    with pytest.raises(BadInput, match="squeue: Invalid user id: nobody"):
        slurm_queue.queue()
    assert calls(fake) == 1


def test_kinds_of_errors() -> None:
    assert is_transient("sbatch: error: Batch job submission failed: Socket timed out on send/recv")
    assert not is_transient("sbatch: error: invalid partition specified: moon")
    assert is_full("sbatch: error: QOSMaxSubmitJobPerUserLimit")
    assert not is_full("sbatch: error: invalid account")


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("", []),
        ("n1", ["n1"]),
        ("n[1-2]", ["n1", "n2"]),
        ("gpu[08-10,12],cpu3", ["gpu08", "gpu09", "gpu10", "gpu12", "cpu3"]),
    ],
)
def test_node_lists(nodes: str, names: list[str]) -> None:
    assert expand_nodes(nodes) == names


def test_array_size_has_a_default(fake: Path) -> None:
    put(fake, "scontrol", "echo 'MaxArraySize            = 4001'")
    assert slurm_queue.max_array_size() == 4001
    put(fake, "scontrol", "echo nothing")
    assert slurm_queue.max_array_size() == 1001
