"""What is asked of sbatch, without a SLURM."""

import os
from pathlib import Path
from typing import Any

import pytest
from handmade import make_graph

from gdsweep import atomic
from gdsweep.cluster.slurm import executor as module
from gdsweep.cluster.slurm.arrays import Piece, make_pieces
from gdsweep.cluster.slurm.executor import Full, Slurm, bad_nodes
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.errors import BadInput
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Attempt, Store

RUNS = {
    "t0": {"iterations": 10},
    "t1": {"iterations": 10},
    "g0": {"iterations": 10, "teacher": ["t0", 10]},
    "g1": {"iterations": 10, "teacher": ["t1", 10]},
}


@pytest.fixture
def pieces(tmp_path: Path) -> list[Piece]:
    plan = make_plan(make_graph(RUNS), Store(tmp_path))
    waits = {name: [source.run for source in run.waits] for name, run in plan.runs.items()}
    return make_pieces(list(plan.runs.values()), waits, lambda run: 1, largest=100, max_running=1)


def test_dependencies_as_sbatch_spells_them(pieces: list[Piece]) -> None:
    teachers, students = pieces
    arrays = {id(teachers): "7"}
    assert module._dependency(teachers, {}, {}) is None
    assert module._dependency(students, {}, arrays) == "aftercorr:7,afterany:7"
    single = Piece(students.runs[:1], 1, after=("t0", "t1"))
    assert module._dependency(single, {"t0": "7_0", "t1": "8"}, {}) == "afterok:7_0:8"


def test_errors_that_pass_are_waited_for_and_others_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    slurm = Slurm(Store(tmp_path), Profile())
    for attempt in range(3):
        slurm._judge(RuntimeError("sbatch: error: Socket timed out on send/recv"), attempt)
    assert slept == [1, 2, 4]
    with pytest.raises(BadInput, match="sbatch refused: invalid partition specified: moon"):
        slurm._judge(RuntimeError("sbatch: error: invalid partition specified: moon"), 0)
    with pytest.raises(Full):
        slurm._judge(RuntimeError("sbatch: error: QOSMaxSubmitJobPerUserLimit"), 0)


def test_the_launchs_own_allocation_is_not_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    with module._plain_environment():
        assert "SLURM_JOB_ID" not in os.environ
        assert os.environ["SLURM_CONF"] == "/etc/slurm.conf"
    assert os.environ["SLURM_JOB_ID"] == "1"


@pytest.mark.parametrize(
    ("cause", "nodes"), [("cuda", ["n1", "n2"]), ("nccl", ["n1", "n2"]), ("nan", [])]
)
def test_nodes_are_blamed_for_what_may_be_their_fault(
    tmp_path: Path, cause: str, nodes: list[str]
) -> None:
    graph, store = make_graph(RUNS), Store(tmp_path)
    run = store.create(graph.runs["t0"].config, {})
    process: dict[str, Any] = {"nodes": "n[1-2]"}
    attempt = Attempt(number=1, started=1.0, outcome="failed", cause=cause, process=process)
    atomic.write_json(run.attempt(1), attempt.model_dump(mode="json"))
    assert bad_nodes(make_plan(graph, store), store) == nodes
