"""Where cells stand: their own stretches count, however far their runs go for others."""

import json
from pathlib import Path
from typing import Any

import pytest
from handmade import make_graph, make_store

from gdsweep import atomic
from gdsweep.plan.cells import CellStanding, cell_standing, cell_standings
from gdsweep.plan.job import Job
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Attempt, Score, ScoreRef, lock

RUNS: dict[str, dict[str, Any]] = {
    # the teacher's exit lies long before the end of the supervised run
    "supervised": {"iterations": 3750, "milestones": [750], "gpus": 1},
    "burn-in": {
        "iterations": 600, "horizon": 1250, "milestones": [600], "teacher": ["supervised", 750],
        "cell": False, "gpus": 1,
    },
    "guided": {"iterations": 1250, "parent": ["burn-in", 600], "gpus": 1},
}  # fmt: skip


class Site:
    """A store of RUNS."""

    def __init__(self, folder: Path) -> None:
        self.graph = make_graph(RUNS)
        self.store = make_store(self.graph, folder / "runs")

    def states(self, run: str, *iterations: int, seconds: float | None = None) -> None:
        for iteration in iterations:
            self.store.run(run).state(iteration).touch()
        line = {"iteration": max(iterations)} | ({"time": seconds} if seconds else {})
        self.store.run(run).metrics.write_text(json.dumps(line) + "\n")

    def attempt(self, run: str, **fields: Any) -> None:
        record = Attempt.model_validate({"number": 1, "started": 1.0, **fields})
        atomic.write_json(self.store.run(run).attempt(1), record.model_dump(mode="json"))

    def score(self, run: str) -> None:
        ref = ScoreRef(at="final", network="student")
        score = Score(ref=ref, iteration=1, metrics={"AP": 31.5}, images=1, instances=1,
                      predictions=None)  # fmt: skip
        atomic.write_json(self.store.run(run).score(ref), score.model_dump(mode="json"))

    def guided(self, **jobs: Job) -> CellStanding:
        """The second cell, as a plan has it."""
        return make_plan(self.graph, self.store, jobs).cells[1]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_cell_counts_its_own_stretches(site: Site) -> None:
    site.states("supervised", 750, 2000, seconds=0.1)
    site.states("burn-in", 600, seconds=0.1)
    site.states("guided", 900, seconds=0.1)
    site.attempt("guided")
    plan = make_plan(site.graph, site.store)
    supervised, guided = plan.cells
    assert (supervised.done, supervised.wanted, supervised.seconds) == (2000, 3750, 175.0)
    assert (guided.done, guided.wanted, guided.seconds) == (1650, 2000, pytest.approx(35.0))
    assert (guided.status, guided.why, guided.run) == (
        "interrupted",
        "interrupted at 82 %",
        "guided",
    )
    # table and page read the same
    cell, _, ref = site.graph.results[1]
    alone = cell_standing(site.graph.needs[cell], ref, site.store)
    assert (alone.done, alone.wanted, alone.why) == (1650, 2000, "interrupted at 82 %")
    assert alone.share == 0.825


def test_seconds_are_known_only_where_every_pace_is(site: Site) -> None:
    site.states("supervised", 750, seconds=0.1)
    assert site.guided().seconds is None
    paces = {"burn-in": 0.1, "guided": 0.2}
    standing = cell_standings(site.graph, site.store, seconds=paces)[1]
    assert standing.seconds == pytest.approx(600 * 0.1 + 650 * 0.2)


def test_a_finished_cell_needs_nothing_else(site: Site) -> None:
    site.score("guided")
    standing = site.guided(guided=Job("7", "running"))
    assert (standing.status, standing.why, standing.seconds) == ("done", "", 0.0)
    assert (standing.done, standing.wanted, standing.share) == (2000, 2000, 1.0)
    assert standing.score is not None
    assert standing.score.metrics["AP"] == 31.5


def test_a_run_that_stopped_before_it_interrupts_the_cell(site: Site) -> None:
    site.states("supervised", 750, 3750)
    site.states("burn-in", 290)
    site.attempt("burn-in")
    standing = site.guided()
    assert (standing.status, standing.run) == ("interrupted", "burn-in")
    assert standing.why == "interrupted at 52 %"


def test_a_teacher_that_stops_after_its_exit_interrupts_nothing(site: Site) -> None:
    site.states("supervised", 750, 2000)
    site.attempt("supervised", outcome="failed", message="no memory")
    supervised, guided = make_plan(site.graph, site.store).cells
    assert supervised.status == "failed"
    assert supervised.why.endswith("log.txt: no memory")
    assert (guided.status, guided.why) == ("new", "missing, 37 % trained")


def test_a_failed_teacher_blocks(site: Site) -> None:
    site.attempt("supervised", outcome="failed", message="no memory")
    standing = site.guided()
    assert (standing.status, standing.why) == ("blocked", "blocked by supervised")
    assert standing.run == "supervised"


def test_jobs_decide_what_is_queued_and_what_runs(site: Site) -> None:
    site.states("supervised", 750)
    waiting, queued = Job("8", "waiting"), Job("7", "queued", "Resources")
    standing = site.guided(**{"burn-in": queued, "guided": waiting})
    assert (standing.status, standing.run, standing.job) == ("queued", "burn-in", queued)
    assert standing.why == "queued, 37 % trained"
    running = Job("7", "running", nodes="n1")
    standing = site.guided(**{"burn-in": running, "guided": waiting})
    assert (standing.status, standing.run, standing.job) == ("running", "burn-in", running)
    assert standing.why == "running 37 % (in burn-in)"


def test_a_running_run_is_where_its_metrics_are(site: Site) -> None:
    site.states("supervised", 750)
    site.states("burn-in", 600)
    site.store.run("guided").metrics.write_text('{"iteration": 1100, "time": 0.1}\n')
    with lock.hold(site.store.run("guided").lock):
        standing = site.guided()
    assert (standing.status, standing.done) == ("running", 750 + 600 + 500)
    assert standing.seconds == pytest.approx(15.0)


@pytest.mark.parametrize("kind", ["score", "attempt"])
def test_a_damaged_record_is_told_and_raises_nothing(site: Site, kind: str) -> None:
    run = site.store.run("guided")
    ref = ScoreRef(at="final", network="student")
    path = run.score(ref) if kind == "score" else run.attempt(1)
    path.write_text("{")
    supervised, guided = cell_standings(site.graph, site.store)
    assert supervised.status == "new"
    assert guided.status == "damaged"
    assert guided.why.startswith(f"{path}: damaged")
