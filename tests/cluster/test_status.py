"""Where cells stand: files first, and no death certificate for a state that is not known."""

import time
from pathlib import Path
from typing import Any

import pytest
from handmade import make_graph
from rich.console import Console
from submissions import submission

from gdsweep import atomic
from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.status import Status, read_status
from gdsweep.cluster.status_text import duration, status_text
from gdsweep.grid import PublishedValue
from gdsweep.runs import Attempt, Score, ScoreRef, Store

RUNS = {
    "teacher": {"iterations": 40, "gpus": 2},
    "student": {"iterations": 20, "teacher": ["teacher", 40], "gpus": 2},
}


class Page:
    """As much of a Grid as a status asks for."""

    def __init__(self, graph: Any) -> None:
        self.cells = [cell for cell, _, _ in graph.results]

    def published_values(self) -> dict[int, PublishedValue]:
        value = PublishedValue({}, 30.0, "3", "row", "column", False, "paper")
        return {i: value for i, cell in enumerate(self.cells) if cell.axes["run"] == "teacher"}


class Site:
    """A store, and a queue that says what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.graph = make_graph(RUNS)
        self.store = Store(folder / "runs")
        self.store.root.mkdir()
        for run in self.graph.runs.values():
            self.store.create(run.config, run.identity)
        self.submissions: list[Any] = []
        self.queued: dict[str, QueuedJob] = {}

    def job(self, run: str, job: QueuedJob | None, number: str = "7") -> None:
        self.submissions.append(submission(f"s{number}", run, job=number))
        if job is not None:
            self.queued[job.id] = job

    def read(self) -> Status:
        page: Any = Page(self.graph)
        return read_status([page], self.graph, self.store, self.submissions, self.queued)

    def text(self) -> str:
        console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        console.print(status_text(self.read(), asked=True))
        return console.export_text()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("gdsweep.cluster.status.history", lambda jobs, since: {})
    return Site(tmp_path)


def test_a_running_job_of_an_unknown_state_is_not_dead(site: Site) -> None:
    site.job("teacher", QueuedJob("7", "BRAND_NEW_STATE", nodes="n1"))
    teacher, student = site.read().rows
    assert teacher.state == "running (BRAND_NEW_STATE)"
    assert (teacher.job, teacher.nodes) == ("7", "n1")
    assert student.state in ("running", "running (BRAND_NEW_STATE)")


def test_pending_jobs_say_what_they_wait_for(site: Site) -> None:
    site.job("teacher", QueuedJob("7", "PENDING", reason="Resources"))
    site.job("student", QueuedJob("8", "PENDING", reason="Dependency"), "8")
    teacher, _ = site.read().rows
    assert teacher.state == "queued (Resources)"


def test_done_files_beat_whatever_the_queue_says(site: Site) -> None:
    run = site.store.run("teacher")
    run.state(40).write_bytes(b"")
    ref = ScoreRef(at="final", network="student")
    score = Score(ref=ref, iteration=40, metrics={"AP": 31.5}, images=1, instances=1,
                  predictions=None)  # fmt: skip
    atomic.write_json(run.score(ref), score.model_dump(mode="json"))
    site.job("teacher", QueuedJob("7", "FAILED"))
    teacher, _ = site.read().rows
    assert (teacher.state, teacher.ap, teacher.delta, teacher.final) == ("done", 31.5, 1.5, True)
    assert "1 of 2 cells done" in site.text()
    assert "+1.5" in site.text()


def test_accounting_is_asked_once_for_what_nothing_else_explains(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def history(jobs: list[str], since: float) -> dict[str, QueuedJob]:
        asked.append(jobs)
        return {"7": QueuedJob("7", "TIMEOUT", nodes="n2")}

    monkeypatch.setattr("gdsweep.cluster.status.history", history)
    put_attempt(site, number=1, started=1.0, ended=None)
    site.job("teacher", None)
    site.job("student", None, "8")
    assert site.read().rows[0].state == "interrupted (TIMEOUT)"
    assert asked == [["7", "8"]]


def put_attempt(site: Site, **fields: Any) -> None:
    attempt = Attempt.model_validate({"process": {"processes": 2}, **fields})
    run = site.store.run("teacher")
    atomic.write_json(run.attempt(attempt.number), attempt.model_dump(mode="json"))


def test_hours_and_failures(site: Site) -> None:
    now = time.time()
    put_attempt(site, number=1, started=now - 7200, ended=now - 3600, outcome="stopped")
    put_attempt(site, number=2, started=now - 1800, ended=now, outcome="failed", cause="cuda",
                message="CUDA error: bad node")  # fmt: skip
    status = site.read()
    assert status.rows[0].hours == pytest.approx(2 * 1.5, rel=1e-3)
    assert [row.state for row in status.rows] == ["failed", "blocked"]
    assert "failed: teacher, see" in site.text()
    assert "CUDA error: bad node" in site.text()


def test_without_slurm_the_files_tell(site: Site) -> None:
    assert [row.state for row in site.read().rows] == ["new", "new"]
    assert not slurm_queue.OVER & {"", "RUNNING", "PENDING"}


def test_durations() -> None:
    assert [duration(s) for s in (5, 250, 12000, 183600)] == ["5s", "4m 10s", "3h 20m", "2d 03h"]
