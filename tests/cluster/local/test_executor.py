"""This machine as an executor: its jobs are the trainers that run here."""

from typing import Any

from gdsweep.runs import Store, last_attempt


def test_a_trainer_is_shown_as_a_job_and_cancelled(bench: Any) -> None:
    bench.write({"alone": {"iterations": 40}, "other": {"iterations": 5}})
    launch = bench.start("--yes", fake={"alone": {"hold": [12, str(bench.folder / "never")]}})
    bench.until_trained("alone", 11)
    bench.until(lambda: bool(Store(bench.store).run("other").done.exists()))
    _, plan = bench.launch("--dry-run", "--json")
    pid = bench.pids()["alone"]
    assert f'"job": "{pid}"' in plan
    code, said = bench.launch("--cancel", "alone")
    assert (code, said.splitlines()[0]) == (0, f"cancelled: alone, job {pid}")
    output, _ = launch.communicate(timeout=30)
    assert launch.returncode == 1
    assert "stopped by a signal, its state saved; launch again to continue" in output
    attempt = last_attempt(Store(bench.store).run("alone"))
    assert attempt is not None
    assert attempt.outcome == "stopped"
    nothing = "nothing to cancel: no job is pending or running\n"
    assert bench.launch("--cancel") == (0, nothing)
