"""What the doctor makes of the files that its job leaves; the job itself is in tests/slurm."""

from pathlib import Path

import pytest

from gdsweep.cluster.slurm import doctor
from gdsweep.cluster.slurm.profile import Profile


def followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str
) -> tuple[bool | None, str]:
    """What is told of requeueing after a job that did all before it, and left these files too."""
    computed = {f"computed-{rank}": "ok 0 2.5.0 gloo" for rank in (0, 1)}
    ready = {
        **computed,
        "met-0": "n1:5",
        "began-0": "n1",
        "began-1": "n2",
        "heard-0": "yes",
        "heard-1": "yes",
    }
    for name, text in {**ready, **files}.items():
        (folder / name.replace("_", "-")).write_text(text)
    monkeypatch.setattr(doctor, "ask", lambda words: "")
    monkeypatch.setattr(doctor, "REQUEUE", 0.0)
    monkeypatch.setattr(doctor.time, "sleep", lambda seconds: None)
    trial = doctor._Trial(Profile(name="p"), folder)
    told: dict[str, tuple[bool | None, str]] = {}
    trial._follow(lambda what, good, said: told.update({what: (good, said)}))
    return told["requeue"]


def test_a_job_that_ran_again_was_requeued_whatever_its_task_could_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, said = followed(tmp_path, monkeypatch, again_0="yes")
    assert good
    assert "ran again" in said


def test_what_slurm_says_against_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = followed(tmp_path, monkeypatch, requeue="1", requeue_said="Requeue is disabled")
    assert found == (False, "Requeue is disabled")


def test_a_job_that_does_not_come_back_is_amiss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert followed(tmp_path, monkeypatch, requeue="0") == (False, "still pending")
