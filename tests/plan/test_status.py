"""Where cells stand: files first, and no death certificate for a state that is not known."""

import os
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handmade import Page, make_graph, make_store
from rich.console import Console

from gdsweep import atomic
from gdsweep.grid import PublishedValue
from gdsweep.plan.hours import duration
from gdsweep.plan.job import Job
from gdsweep.plan.status import Status, read_status
from gdsweep.plan.status_text import status_text
from gdsweep.runs import Attempt, Score, ScoreRef, Wanted
from gdsweep.runs.activity import Scoring, tell_scoring

RUNS: dict[str, dict[str, Any]] = {
    # its student leaves it early: its exit is not its end
    "teacher": {"iterations": 40, "milestones": [10], "gpus": 2},
    "student": {"iterations": 20, "teacher": ["teacher", 10], "gpus": 2},
}


PUBLISHED = PublishedValue({}, "AP", 30.0, "3", "row", "column", False, "paper")


class Site:
    """A store, and a queue that says what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.graph = make_graph(RUNS)
        self.store = make_store(self.graph, folder / "runs")
        self.jobs: dict[str, Job] = {}
        self.ended: dict[str, Job] = {}
        self.asked: list[set[str]] = []

    def last_jobs(self, runs: Collection[str]) -> dict[str, Job]:
        self.asked.append(set(runs))
        return self.ended

    def read(self) -> Status:
        page: Any = Page(self.graph, {"teacher": PUBLISHED})
        return read_status([page], self.graph, self.store, self.jobs, self.last_jobs)

    def text(self) -> str:
        console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        console.print(status_text(self.read(), asked=True))
        return console.export_text()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_unusual_state_is_shown(site: Site) -> None:
    site.jobs["teacher"] = Job("7", "running", "BRAND_NEW_STATE", nodes="n1")
    teacher, student = site.read().rows
    assert teacher.state == student.state == "running (BRAND_NEW_STATE)"
    assert teacher.job == student.job == site.jobs["teacher"]


def test_pending_jobs_say_what_they_wait_for(site: Site) -> None:
    site.jobs = {"teacher": Job("7", "queued", "Resources"), "student": Job("8", "waiting")}
    teacher, student = site.read().rows
    assert (teacher.state, student.state) == ("queued (Resources)", "queued (Resources)")
    site.store.run("teacher").state(10).touch()
    teacher, student = site.read().rows
    assert (teacher.state, student.state) == ("queued (Resources)", "waiting")


def test_iterations_and_seconds_of_the_cell_alone(site: Site) -> None:
    for run, state in (("teacher", 10), ("teacher", 30), ("student", 15)):
        site.store.run(run).state(state).touch()
        site.store.run(run).metrics.write_text(f'{{"iteration": {state}, "time": 60}}\n')
    teacher, student = site.read().to_json()["rows"]
    assert [teacher[key] for key in ("iteration", "total", "eta")] == [30, 40, 600]
    assert [student[key] for key in ("iteration", "total", "eta")] == [25, 30, 300]
    assert "25 of 30   5m 00s" in site.text()


def test_the_share_of_the_table_is_of_what_the_table_wants(site: Site) -> None:
    site.store.want(site.store.run("teacher"), Wanted(stop=4000))  # another grid's
    site.store.run("teacher").state(10).touch()
    site.store.run("teacher").state(30).touch()
    assert "50 % of 60 iterations" in site.text()


def test_done_files_beat_whatever_a_job_is_said_to_do(site: Site) -> None:
    run = site.store.run("teacher")
    run.state(10).touch()
    run.state(40).touch()
    ref = ScoreRef(at="final", network="student")
    score = Score(ref=ref, iteration=40, metrics={"AP": 31.5}, images=1, instances=1,
                  predictions=None)  # fmt: skip
    atomic.write_json(run.score(ref), score.model_dump(mode="json"))
    site.jobs["teacher"] = Job("7", "running")
    teacher, _ = site.read().rows
    assert (teacher.state, teacher.ap, teacher.delta) == ("done", 31.5, 1.5)
    assert teacher.to_json()["final"]
    assert "1 of 2 cells done" in site.text()
    assert "+1.5" in site.text()


def test_ended_jobs_are_asked_for_once_where_nothing_else_explains(site: Site) -> None:
    site.ended["teacher"] = Job("7", "ended", "TIMEOUT", nodes="n2")
    put_attempt(site, number=1, started=1.0, ended=None)
    teacher, student = site.read().rows
    assert (teacher.state, student.state) == ("interrupted (TIMEOUT)", "interrupted (TIMEOUT)")
    assert site.asked == [{"teacher"}]
    assert "n2" in site.text()


def test_the_last_attempt_tells_where_a_finished_run_was(site: Site) -> None:
    put_attempt(site, number=1, started=1.0, ended=2.0, outcome="failed", message="no memory",
                process={"job": "7", "nodes": "n3"})  # fmt: skip
    row = site.read().rows[0].to_json()
    assert (row["state"], row["job"], row["nodes"]) == ("failed", "7", "n3")
    assert row["why"].endswith("no memory")


def put_attempt(site: Site, **fields: Any) -> None:
    process = {"processes": 2, "device": "NVIDIA H200"}
    attempt = Attempt.model_validate({"process": process, **fields})
    run = site.store.run("teacher")
    atomic.write_json(run.attempt(attempt.number), attempt.model_dump(mode="json"))


def test_hours_and_failures(site: Site) -> None:
    now = time.time()
    put_attempt(site, number=1, started=now - 7200, ended=now - 3600, outcome="stopped")
    put_attempt(site, number=2, started=now - 1800, ended=now, outcome="failed", cause="cuda",
                message="CUDA error: bad node")  # fmt: skip
    status = site.read()
    assert status.rows[0].hours.gpu_hours == pytest.approx(2 * 1.5, rel=1e-3)
    assert status.to_json()["hours"]["gpu_hours"] == pytest.approx(2 * 1.5, rel=1e-3)
    assert "3 GPU-hours spent" in site.text()
    assert [row.state for row in status.rows] == ["failed", "blocked"]
    assert "failed: teacher, see" in site.text()
    assert "CUDA error: bad node" in site.text()


def test_without_jobs_the_files_tell(site: Site) -> None:
    assert [row.state for row in site.read().rows] == ["new", "new"]


def test_durations() -> None:
    assert [duration(s) for s in (5, 250, 12000, 183600)] == ["5s", "4m 10s", "3h 20m", "2d 03h"]


def test_a_run_that_gives_no_sign_of_life_has_no_time_left(site: Site) -> None:
    run = site.store.run("teacher")
    run.state(10).touch()
    run.metrics.write_text('{"iteration": 10, "time": 60}\n')
    site.jobs["teacher"] = Job("7", "running", nodes="n1")
    run.lock.touch()
    assert site.read().rows[0].state == "running"
    assert "30m 00s" in site.text()
    os.utime(run.lock, (time.time() - 1500,) * 2)
    assert site.read().rows[0].state == "running (silent 25 min)"
    assert "30m 00s" not in site.text()


def test_eighty_columns_show_state_ap_and_job_whole(site: Site) -> None:
    site.jobs["teacher"] = Job("12345678_999", "queued", "QOSMaxJobsPerUserLimit")
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(status_text(site.read(), asked=True))
    text = console.export_text()
    assert "queued (QOSMaxJobsPerUserLimit)" in text
    assert "12345678_999" in text
    assert "…" not in text


def test_a_cell_is_whole_before_hours_and_iterations_are(site: Site) -> None:
    shown = {}
    for width in (160, 80, 60):
        console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        row = replace(site.read().rows[0], cell="coco 10 % supervised longer")
        console.print(status_text(replace(site.read(), rows=[row]), asked=True))
        text = console.export_text()
        shown[width] = next(line.split("  ")[0] for line in text.splitlines() if "coco" in line)
        assert ("iteration" in text.split()) == (width >= 80)
        assert ("share" in text.split()) == (width == 60)
    assert set(shown.values()) == {"coco 10 % supervised longer"}


def test_an_evaluation_is_the_state(site: Site) -> None:
    site.jobs["teacher"] = Job("7", "running", nodes="n1")
    run = site.store.run("teacher")
    run.lock.touch()
    tell_scoring(run, Scoring(images="val", done=120, of=500))
    status = site.read()
    assert status.rows[0].state == "scoring 120 of 500"
    assert status.to_json()["rows"][0]["scoring"] == {"images": "val", "done": 120, "of": 500}
