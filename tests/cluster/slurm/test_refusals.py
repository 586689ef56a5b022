"""What sbatch refuses: for now or for good, and what was submitted all the same."""

from pathlib import Path

import pytest
from odd_scheduler import Scheduler

from gdsweep.cluster.slurm.submit import is_full, last_words

TOO_MANY = (
    "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job "
    "violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
)
TOO_LONG = TOO_MANY.replace("QOSMaxSubmitJobPerUserLimit", "QOSMaxWallDurationPerJobLimit")


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return Scheduler(tmp_path)


def test_limits_that_pass_and_limits_that_do_not() -> None:
    assert is_full(TOO_MANY)
    assert is_full("AssocMaxSubmitJobLimit")
    assert is_full("QOSGrpSubmitJobsLimit")
    for said in (TOO_LONG, "QOSMinGRES", "AssocMaxCpuPerJobLimit", "invalid account"):
        assert not is_full(said)
    assert last_words(" ".join(TOO_LONG.split())).startswith("QOSMaxWallDurationPerJobLimit; Job ")


def test_what_never_passes_is_bad_input_and_names_the_run(scheduler: Scheduler) -> None:
    scheduler.grid()
    (scheduler.folder / "said").write_text(TOO_LONG)
    scheduler.odd("sbatch", f"cat {scheduler.folder}/said >&2; exit 1")
    out = scheduler.launch("--yes", code=2)
    assert "sbatch refused: QOSMaxWallDurationPerJobLimit" in out
    assert "supervised" in out
    assert "launch again later" not in out


def test_a_second_refusal_does_not_hide_the_first_job(scheduler: Scheduler) -> None:
    scheduler.grid("supervised guided")
    scheduler.odd("sbatch", "[ $id = 1000 ] || { echo 'sbatch: error: invalid qos' >&2; exit 1; }")
    out = scheduler.launch("--yes", code=1)
    assert "job 1000" in out
    assert "sbatch refused: invalid qos" in out


@pytest.mark.parametrize("named", ["flag", "variable"])
def test_a_named_profile_without_a_cluster_trains_nothing_here(
    scheduler: Scheduler, named: str
) -> None:
    """Its controller does not answer: SLURM's commands find no configuration."""
    scheduler.grid()
    profile = scheduler.folder / "mine.yaml"
    profile.write_text("partition: gpu\n")
    away = "echo 'fatal: Could not establish a configuration source' >&2; exit 1"
    scheduler.odd("scontrol", away)
    scheduler.odd("squeue", away)
    flags = ["--profile", str(profile)] if named == "flag" else []
    environment = {} if flags else {"GDSWEEP_CLUSTER": str(profile)}
    out = scheduler.launch("--yes", *flags, code=2, **environment)
    assert "mine" in out
    assert "no SLURM is configured here; --cluster local trains on this machine" in out
    assert not (scheduler.folder / "runs").exists()


def test_an_array_that_is_too_large_is_halved(scheduler: Scheduler) -> None:
    scheduler.grid(seeds="0 1 2 3 4 5 6")
    (scheduler.folder / "said").write_text(TOO_MANY)
    scheduler.odd(
        "sbatch", f'[ "${{array:-0}}" -gt 3 ] && {{ cat {scheduler.folder}/said >&2; exit 1; }}'
    )
    out = scheduler.launch("--yes", code=1)
    assert "submitted 3 jobs" in out
    assert "4 runs" in out
    assert "the cluster takes no more jobs now" in out


def test_max_submit_splits_an_array_and_a_dry_run_promises_no_more(scheduler: Scheduler) -> None:
    scheduler.grid(seeds="0 1 2 3 4 5 6")
    (scheduler.folder / "p.yaml").write_text("max_submit: 5\n")
    flags = ("--profile", "p.yaml")
    (row,) = (
        line.split()
        for line in scheduler.launch("--dry-run", *flags).split("to submit")[1].splitlines()
        if line.startswith("1 core")
    )
    assert row[2] == "5"
    assert "submitted 5 jobs" in scheduler.launch("--yes", *flags, code=1)
    scheduler.jobs.write_text("")
    assert "submitted 5 jobs" in scheduler.launch("--yes", *flags, code=1)
