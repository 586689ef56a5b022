"""A third executor goes through launch, status, cancel and logs by its class and one line."""

import io
from pathlib import Path
from typing import Any

import pytest
from fake_executor import FakeExecutor
from handmade import TRAINER, Page, make_graph
from rich.console import Console

from gdsweep.cluster.executor import EXECUTORS, Options, open_executor
from gdsweep.cluster.launched import Launched, cancel, print_log, watch
from gdsweep.cluster.launching import launch
from gdsweep.errors import DONE
from gdsweep.plan.request import Request

RUNS: dict[str, dict[str, Any]] = {
    "teacher": {"iterations": 20, "milestones": [10]},
    "student": {"iterations": 30, "teacher": ["teacher", 10]},
    "alone": {"iterations": 10},
}
OPTIONS = Options(cluster="fake", yes=True)


class Site:
    """A store of RUNS whose runs FakeExecutor executes."""

    def __init__(self, folder: Path) -> None:
        self.request = Request(folder=folder / "runs")
        graph = make_graph(RUNS)
        vars(self.request).update(graph=graph, grids=(Page(graph),))
        self.executor: Any = open_executor(self.request, OPTIONS, TRAINER)

    def launch(self) -> tuple[int, str]:
        """Exit code and what is printed."""
        console = Console(file=io.StringIO(), width=200)
        code, _, _ = launch(self.request, OPTIONS, console, trainer=TRAINER)
        return code, console.file.getvalue()  # type: ignore[attr-defined]

    def launched(self) -> Launched:
        return Launched(self.executor)

    def states(self) -> list[str]:
        return [row.state for row in self.launched().status()[0].rows]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setitem(EXECUTORS, "fake", "fake_executor:FakeExecutor")
    monkeypatch.setattr(FakeExecutor, "queue", {})
    monkeypatch.setattr(FakeExecutor, "ended", {})
    monkeypatch.setenv("FAKE_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Site(tmp_path)


def test_launch_submits_once_and_status_follows(site: Site) -> None:
    code, said = site.launch()
    assert code == DONE, said
    assert "submitting to fake (as asked)\n" in said
    assert "submitted 3 jobs; you may log out" in said
    assert "  student  job 1" in said
    assert site.launch() == (
        DONE,
        "nothing to start: 0 of 3 cells are done\n3 runs are queued or running already\n",
    )
    # the student's own job waits; what it waits for is what holds its cell up
    assert site.states() == ["queued (Fair share)"] * 3
    assert site.executor.work() == "teacher"
    assert site.states() == ["done", "waiting", "queued (Fair share)"]
    assert (site.executor.work(), site.executor.work()) == ("student", "alone")
    assert site.states() == ["done"] * 3
    assert site.launch() == (DONE, "nothing to do: 3 of 3 cells are done\n")


def test_a_job_that_fails_and_one_that_dies(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE", '{"teacher": {"fail_at": 5}, "alone": {"die_at": 3}}')
    site.launch()
    site.executor.work()
    site.executor.cancel(["student"])
    site.executor.work()
    assert site.states() == ["failed", "blocked", "interrupted (EXIT -9)"]
    rows = site.launched().status()[0].to_json()["rows"]
    assert rows[1]["why"] == "blocked by teacher"
    assert (rows[2]["job"], rows[2]["nodes"]) == ("2", "m1")


def test_cancel_takes_what_only_the_chosen_cells_need(site: Site) -> None:
    site.launch()
    console = Console(file=io.StringIO(), width=200)
    assert cancel(site.launched(), "student", console) == DONE
    assert FakeExecutor.queue.keys() == {"teacher", "alone"}
    assert cancel(site.launched(), "", console) == DONE
    assert not FakeExecutor.queue
    assert cancel(site.launched(), "", console) == DONE
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "cancelled: student, job 1",
        "cancelled 1 jobs; what they have saved is kept, launch to go on",
        "cancelled: teacher, job 0",
        "cancelled: alone, job 2",
        "cancelled 2 jobs; what they have saved is kept, launch to go on",
        "nothing to cancel: no job is pending or running",
    ]


def test_logs_and_watch(site: Site) -> None:
    site.launch()
    site.executor.work()
    out = io.StringIO()
    assert print_log(site.launched(), "teacher", follow=True, out=out) == DONE
    assert out.getvalue().endswith("attempt 1 of teacher\n")
    console = Console(file=io.StringIO(), width=200)
    assert watch(site.launched(), console, None) == DONE
    assert "1 of 3 cells done" in console.file.getvalue()  # type: ignore[attr-defined]
