"""What passes is not final: the job goes on, and what waits for it is not cancelled."""

from typing import Any

import pytest
from test_launches import LINE, Fakes


@pytest.fixture
def fakes(cluster: Any) -> Fakes:
    return Fakes(cluster)


def profile(fakes: Fakes, *lines: str) -> tuple[str, ...]:
    (fakes.cluster.folder / "profile.yaml").write_text("\n".join(lines) + "\n")
    return ("--profile", "profile.yaml")


def check_went_on(fakes: Fakes, jobs: dict[str, str], cause: str) -> None:
    """The first job was requeued under its id, and everything behind it was done."""
    assert set(fakes.cluster.wait(jobs).values()) == {"COMPLETED"}, fakes.cluster.log("teacher")
    first, *_, last = fakes.cluster.attempts("teacher")
    assert (first["outcome"], first["cause"]) == ("stopped", cause)
    assert last["outcome"] == "done"
    assert {first["process"]["job"], last["process"]["job"]} == {jobs["teacher"]}


def test_a_limit_that_strikes_while_the_trainer_cannot_answer(fakes: Fakes) -> None:
    # the first start's own clock is set back: notice after 20 seconds, last call after 30
    set_back = (
        '[ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || export GDSWEEP_STARTED=$(($(date +%s) - 80))'
    )
    flags = profile(fakes, "hours: 0.0333", "signal_seconds: 20", f"setup: ['{set_back}']")
    jobs = fakes.submit(LINE, *flags, fake={"teacher": {"deaf": 5}})
    check_went_on(fakes, jobs, "timeout")
    assert "did not answer the notice of the time limit" in fakes.cluster.log("teacher")


def test_a_trainer_that_gives_no_sign_of_life(fakes: Fakes) -> None:
    flags = profile(fakes, "silence_minutes: 0.1")
    jobs = fakes.submit(LINE, *flags, fake={"teacher": {"deaf": 5}})
    check_went_on(fakes, jobs, "silent")


def test_a_requeue_that_times_out_once(fakes: Fakes) -> None:
    folder = fakes.cluster.folder / "bin"
    folder.mkdir()
    real = fakes.slurm.command("which", "scontrol").stdout.strip()
    (folder / "scontrol").write_text(
        f'#!/bin/sh\n[ "$1" = requeue ] && mkdir {folder}/once 2>/dev/null && '
        "{ echo 'slurm_requeue error: Socket timed out on send/recv' >&2; exit 1; }\n"
        f'exec {real} "$@"\n'
    )
    (folder / "scontrol").chmod(0o755)
    flags = profile(fakes, f"setup: ['export PATH={folder}:$PATH']")
    go = fakes.cluster.folder / "go"
    jobs = fakes.submit(LINE, *flags, fake={"teacher": {"hold": [5, str(go)]}})
    fakes.slurm.until(lambda: ("teacher", "4") in fakes.trained(), "training", 30)
    fakes.slurm.command("scancel", "--signal=USR2", jobs["teacher"], check=True)
    fakes.slurm.until((folder / "once").exists, "a requeue", 30)
    go.touch()
    check_went_on(fakes, jobs, "asked")


def test_a_grid_that_grows_between_the_trainers_end_and_the_jobs(fakes: Fakes) -> None:
    jobs = fakes.submit(LINE, fake={"teacher": {"grow": 7}})
    assert set(fakes.cluster.wait(jobs).values()) == {"COMPLETED"}
    assert fakes.store.run("teacher").state(7).exists()
    assert "another launch wants more of this run: going on" in fakes.cluster.log("teacher")


def test_a_setup_line_that_ends_the_job(fakes: Fakes) -> None:
    """Nothing of Python ran: the job's output tells, and nothing is submitted until a retry."""
    flags = profile(fakes, "setup: ['module-of-no-site load cuda', 'exit 3']")
    jobs = fakes.submit(LINE, *flags)
    states = fakes.cluster.wait(jobs)
    assert [states[jobs[run]] for run in LINE] == ["FAILED", "CANCELLED", "CANCELLED"]
    out = fakes.launch(LINE, *flags, code=1)
    assert "the job ended before the trainer began: " in out
    assert "module-of-no-site" in out
    assert "--retry starts 1 failed again with 2 blocked behind" in out
    (attempt,) = fakes.cluster.attempts("teacher")
    assert (attempt["outcome"], attempt["cause"]) == ("failed", "setup")
    again = fakes.submit(LINE, "--retry")
    assert set(fakes.cluster.wait(again).values()) == {"COMPLETED"}
