"""A job's id is not its identity: jobs are ours by their comment, whatever SLURM and sites say."""

import json
import time
from pathlib import Path

import pytest
from odd_scheduler import Scheduler

from gdsweep.cluster.slurm import submit, submitter


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    monkeypatch.setattr(submitter, "SETTLE", 1.0)
    return Scheduler(tmp_path)


STRANGERS = ("my own work", "", "f00dfeedf00d", "f00dfeedf00d|RUNNING", "  ")


@pytest.mark.parametrize("comment", STRANGERS)
def test_cancel_never_names_a_job_whose_comment_is_not_ours(
    scheduler: Scheduler, comment: str
) -> None:
    """SLURM lost its state and began again at old ids: strangers' jobs have all of ours."""
    scheduler.grid("supervised guided", "0 1")
    scheduler.launch("--yes")
    ids = [job[0] for job in scheduler.queue()]
    assert len(ids) == 6
    scheduler.jobs.write_text("".join(f"{job}|RUNNING|{comment}|n1|None\n" for job in ids))
    status = json.loads(scheduler.launch("--status", "--json"))
    assert {row["state"] for row in status["rows"]} == {"new"}
    assert "nothing to cancel" in scheduler.launch("--cancel")
    assert scheduler.calls("scancel") == []
    again = scheduler.launch("--yes")
    assert "submitted 6 jobs" in again
    assert scheduler.calls("scancel") == []
    assert "cancelled 6 jobs" in scheduler.launch("--cancel")
    (call,) = scheduler.calls("scancel")
    assert not set(call.split()[1:]) & set(ids)


def test_an_id_that_began_again_is_anothers(scheduler: Scheduler) -> None:
    """The controller forgot the teacher's job and gave its id to the next submission."""
    scheduler.grid("supervised guided")
    scheduler.launch("--yes")
    teacher, *waiting = scheduler.queue()
    scheduler.jobs.write_text(
        f"{teacher[0]}|RUNNING|somebody else's|n1|None\n"
        + "".join(f"{job[0]}|PENDING|{job[2]}||Dependency\n" for job in waiting)
    )
    out = scheduler.launch("--yes")
    assert "submitted 3 jobs" in out, "what waits for a job that is gone is submitted anew, too"
    assert scheduler.calls("scancel") == [f"scancel {' '.join(job[0] for job in waiting)}"]
    alive = {job[0] for job in scheduler.queue() if job[1] == "PENDING"}
    assert alive == {"1003", "1004", "1005"}
    dependencies = [line for line in scheduler.scripts().splitlines() if "dependency" in line]
    assert dependencies[-2:] == [f"#SBATCH --dependency=afterok:{n}" for n in (1003, 1004)]


def test_words_of_a_site_are_no_answer(scheduler: Scheduler) -> None:
    scheduler.grid("supervised guided")
    scheduler.odd("sbatch", 'echo "INFO: your last job 77 used 3 % of its memory"')
    scheduler.add("77|RUNNING|my own other work|n1|None")
    out = scheduler.launch("--yes")
    assert "job 1000" in out
    assert "77" not in "".join(
        line for line in scheduler.scripts().splitlines() if "afterok" in line
    )
    scheduler.launch("--cancel")
    assert "77" not in "".join(scheduler.calls("scancel")).split()


@pytest.mark.parametrize("answer", ["echo $id", "true", "echo $id on red >&2"])
def test_a_wrapper_that_answers_differently(scheduler: Scheduler, answer: str) -> None:
    scheduler.grid()
    scheduler.odd("sbatch", f"enqueue; {answer}; exit 0")
    assert "submitted 1 job" in scheduler.launch("--yes")
    assert "1 runs are queued or running already" in scheduler.launch("--yes")
    assert len(scheduler.queue()) == 1


def test_an_answer_that_was_lost_is_looked_for(scheduler: Scheduler) -> None:
    scheduler.grid()
    lost = "echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1"
    # the job is seen by the third look only
    scheduler.odd("sbatch", f"enqueue; mv {scheduler.jobs} {scheduler.jobs}.late; {lost}")
    late = f"[ $(grep -c ^squeue {scheduler.commands}/calls) -ge 3 ] && cat {scheduler.jobs}.late; "
    scheduler.odd("squeue", f"{late} exit 0")
    assert "submitted 1 job" in scheduler.launch("--yes")
    assert len(scheduler.calls("sbatch")) == 1


def test_a_job_that_slurm_forgot_at_once_is_left_to_the_next_launch(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "VISIBLE_WITHIN", 0.3)
    scheduler.grid("supervised guided")
    scheduler.odd("sbatch", "[ $id = 1000 ] && { echo Submitted batch job $id; exit 0; }")
    out = scheduler.launch("--yes", code=1)
    assert "sbatch took it, but the queue does not know the job" in out
    assert "what it waits for was not submitted" in out
    assert "submitted 3 jobs" in scheduler.launch("--yes")


@pytest.mark.parametrize(
    "environment",
    [
        {"SQUEUE_PARTITION": "other"},
        {"SQUEUE_ACCOUNT": "other"},
        {"SQUEUE_NAMES": "other"},
        {"SQUEUE_QOS": "other"},
        {"SQUEUE_STATES": "R"},
    ],
)
def test_a_users_defaults_hide_no_job(scheduler: Scheduler, environment: dict[str, str]) -> None:
    scheduler.grid("supervised guided")
    scheduler.launch("--yes")
    scheduler.odd("squeue", f'[ -n "${next(iter(environment))}" ] && exit 0')
    assert "3 runs are queued or running" in scheduler.launch("--yes", **environment)
    assert "cancelled 3 jobs" in scheduler.launch("--cancel", **environment)


def test_another_cluster_has_the_run_in_hand(scheduler: Scheduler) -> None:
    """Two clusters on one store: each knows its own queue alone."""
    scheduler.grid()
    scheduler.launch("--yes")
    scheduler.jobs.write_text("1000|RUNNING|a job of this cluster|n1|None\n")
    scheduler.odd("scontrol", '[ "$2" = config ] && { echo "ClusterName = blue"; exit 0; }')
    out = scheduler.launch("--yes", code=1)
    assert "job 1000 of cluster red has it; launch there, or --retry takes it over" in out
    assert scheduler.calls("scancel") == []
    assert "submitted 1 job" in scheduler.launch("--yes", "--retry")


def test_a_clock_an_hour_ahead_is_not_waited_for(scheduler: Scheduler) -> None:
    scheduler.grid()
    scheduler.launch("--yes")
    (record,) = scheduler.submissions()
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "job": None, "created": time.time() + 3600}))
    scheduler.jobs.write_text("")
    out = scheduler.launch("--yes")
    assert "looking for its jobs for 1 s" in out
    assert "submitted 1 job" in out
    newest = [json.loads(path.read_text()) for path in scheduler.submissions()]
    withdrawn, current = sorted(newest, key=lambda entry: entry["created"])
    assert (withdrawn["withdrawn"], current["job"]) == (True, "1001"), "the newest is the newest"


def test_a_second_copy_of_a_submission_is_cancelled(scheduler: Scheduler) -> None:
    scheduler.grid("supervised guided")
    scheduler.launch("--yes")
    copy = scheduler.queue()[0]
    scheduler.add("|".join(["2000", *copy[1:]]))
    scheduler.all_are("PENDING")
    scheduler.grid("supervised guided", "0 1")
    assert "cancelling jobs that would do nothing: 2000" in scheduler.launch("--yes")
    assert scheduler.calls("scancel") == ["scancel 2000"]
