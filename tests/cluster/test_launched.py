"""Which runs a query names, and logs."""

import io
from pathlib import Path
from typing import Any

import pytest
from handmade import TRAINER, make_graph

from gdsweep.cluster.executor import Options, open_executor
from gdsweep.cluster.launched import Launched, _fits, cancel, print_log
from gdsweep.config import CellSettings, ShapesData
from gdsweep.errors import BadInput
from gdsweep.grid.cell import Cell
from gdsweep.plan.request import Request

RUNS: dict[str, dict[str, Any]] = {
    "control-s0": {"iterations": 10},
    "control-s1": {"iterations": 10},
    "hidden-s0": {"iterations": 10, "teacher": ["control-s0", 10], "cell": False},
    "guided-s0": {"iterations": 20, "parent": ["hidden-s0", 10]},
}


@pytest.fixture
def launched(tmp_path: Path) -> Launched:
    request = Request(folder=tmp_path / "runs")
    vars(request)["graph"] = make_graph(RUNS)
    return Launched(open_executor(request, Options(cluster="local"), TRAINER))


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("", {"control-s0", "control-s1", "guided-s0"}),
        ("s0", {"control-s0", "guided-s0"}),
        ("guided", {"guided-s0"}),
        ("control s1", {"control-s1"}),
        ("hidden-s0", {"hidden-s0"}),
        ("hidden", {"hidden-s0"}),
    ],
)
def test_queries(launched: Launched, query: str, runs: set[str]) -> None:
    assert set(launched.find(query)) == runs


def test_a_seeds_number_is_nothing_else() -> None:
    """Neither 1 % of the labels nor a digit of the identity that ends a name."""
    cells = {
        (percent, seed): Cell(
            {"dataset": "toys", "labels": percent, "seed": seed},
            CellSettings(dataset=ShapesData(name="toys")),
        )
        for percent in (1, 50)
        for seed in (0, 1)
    }
    fitting = {
        at: _fits(["toys", "seed", "1"], cell, f"toys-{at[0]}pct-s{at[1]}-1c2aaf25")
        for at, cell in cells.items()
    }
    assert {at for at, fits in fitting.items() if fits} == {(1, 1), (50, 1)}


def test_a_query_that_names_nothing_is_told(launched: Launched) -> None:
    with pytest.raises(BadInput, match="purple: no cell has all these words; cells are:"):
        launched.find("purple")


def test_the_log_of_one_run(launched: Launched) -> None:
    run = launched.store.run("guided-s0")
    with pytest.raises(BadInput, match="guided-s0 has not begun"):
        print_log(launched, "guided", follow=False, out=io.StringIO())
    run.path.mkdir(parents=True)
    run.log.write_text("one\ntwo\n")
    out = io.StringIO()
    assert print_log(launched, "guided", follow=False, out=out) == 0
    assert out.getvalue() == f"==> {run.log} <==\none\ntwo\n"
    with pytest.raises(BadInput, match="control: names 2 runs: control-s0, control-s1"):
        print_log(launched, "control", follow=False, out=out)


def test_cancelling_where_nothing_was_submitted_writes_nothing(launched: Launched) -> None:
    from rich.console import Console

    console = Console(file=io.StringIO())
    assert cancel(launched, "", console) == 0
    assert not launched.store.root.exists()
