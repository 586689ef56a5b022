"""What is asked of sbatch, without a SLURM."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handmade import make_graph

from gdsweep import atomic
from gdsweep.cluster.slurm import submitter as module
from gdsweep.cluster.slurm.arrays import Piece, make_pieces
from gdsweep.cluster.slurm.submitter import bad_nodes
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


def test_a_single_element_follows_a_job_and_not_an_array(pieces: list[Piece]) -> None:
    teachers, students = pieces
    head = replace(students, runs=students.runs[:1], barrier=[])
    assert module._dependency(head, {"t0": "7_0"}, {id(teachers): "7"}) == "afterok:7_0"


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
