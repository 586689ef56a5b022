"""How SLURM's commands are run: what they inherit, and for how long they are waited for."""

from pathlib import Path

import pytest
from fake_commands import calls, put

from gdsweep.cluster.slurm import commands
from gdsweep.cluster.slurm.commands import ask, is_transient
from gdsweep.errors import BadInput

AWAY = "{ echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1; }"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands before all others on the PATH; nobody waits."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(commands.time, "sleep", lambda seconds: None)
    return tmp_path


def test_what_passes_is_asked_again_aloud(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(fake, "squeue", f"[ $(wc -l < {fake}/calls) -ge 3 ] || {AWAY}; echo fine")
    assert ask(["squeue"]) == "fine\n"
    assert len(calls(fake)) == 3
    assert capsys.readouterr().err.count("squeue: slurm_load_jobs error: Socket timed out") == 2


def test_other_errors_are_one_line_at_once(fake: Path) -> None:
    put(fake, "squeue", "echo 'Invalid user id: nobody' >&2; exit 1")
    with pytest.raises(BadInput, match="squeue: Invalid user id: nobody"):
        ask(["squeue"])
    assert len(calls(fake)) == 1


def test_a_command_that_hangs_is_waited_for_no_longer_than_said(fake: Path) -> None:
    put(fake, "squeue", "exec sleep 60")
    with pytest.raises(BadInput, match=r"squeue: Socket timed out \(no answer in 0 s\)"):
        ask(["squeue"], patience=0.3)


def test_a_command_that_is_not_there_or_says_odd_bytes(fake: Path) -> None:
    with pytest.raises(
        BadInput, match="squeue-of-no-site: not on the PATH; is this a SLURM login node"
    ):
        ask(["squeue-of-no-site"])
    put(fake, "squeue", r"printf 'caf\351\n'")
    assert ask(["squeue"]) == "caf\N{REPLACEMENT CHARACTER}\n"


def test_kinds_of_errors() -> None:
    assert is_transient("sbatch: error: Batch job submission failed: Socket timed out on send/recv")
    assert not is_transient("sbatch: error: invalid partition specified: moon")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's shell in an allocation, with defaults of the user's own."""
    for name, value in {
        "SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_TIME_FORMAT": "relative",
        "SLURM_CONF": "/etc/slurm.conf", "SLURM_CLUSTERS": "red", "SQUEUE_PARTITION": "other",
        "SCANCEL_INTERACTIVE": "1", "SACCT_FORMAT": "jobid", "SBATCH_ACCOUNT": "def-prof",
        "SBATCH_PARTITION": "gpu", "SBATCH_ARRAY_INX": "0-9", "SBATCH_EXPORT": "NONE",
        "SBATCH_TIMELIMIT": "5", "RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "n7",
        "TORCHELASTIC_RUN_ID": "x", "HOME_OF_MINE": "yes",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def ours(environment: dict[str, str]) -> set[str]:
    prefixes = (
        "SLURM",
        "SQUEUE",
        "SCANCEL",
        "SACCT",
        "SBATCH",
        "RANK",
        "WORLD",
        "MASTER",
        "TORCHE",
    )
    return {name for name in environment if name.startswith(prefixes)}


@pytest.mark.usefixtures("shell")
def test_a_question_inherits_the_cluster_and_nothing_that_hides_jobs() -> None:
    environment = commands.query_environment()
    assert ours(environment) == {"SLURM_CONF", "SLURM_CLUSTERS"}
    assert environment["HOME_OF_MINE"] == "yes"


@pytest.mark.usefixtures("shell")
def test_a_job_inherits_who_pays_and_where_unless_the_profile_says_so() -> None:
    site = {"SLURM_CONF", "SLURM_CLUSTERS"}
    free = commands.submission_environment()
    assert ours(free) == {*site, "SBATCH_ACCOUNT", "SBATCH_PARTITION"}
    said = commands.submission_environment(("partition", "qos"))
    assert ours(said) == {*site, "SBATCH_ACCOUNT"}
