"""The command and the environment of a trainer process."""

import os
import sys
from pathlib import Path

import pytest
from handmade import make_graph

from gdsweep.cluster.local.job import command, environment
from gdsweep.cluster.trainer import TRAINER
from gdsweep.plan.plan import PlannedRun
from gdsweep.plan.planning import make_plan
from gdsweep.runs import RunDir, Store


@pytest.fixture
def run(tmp_path: Path) -> PlannedRun:
    graph = make_graph({"a": {"iterations": 5, "cpus": 3}})
    return make_plan(graph, Store(tmp_path)).runs["a"]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    directory = RunDir("runs/a")
    path = str(tmp_path.resolve() / "runs" / "a")
    assert command(TRAINER, directory, 0) == [sys.executable, "-m", "gdsweep.train", path]
    assert command(TRAINER, directory, 1) == [sys.executable, "-m", "gdsweep.train", path]
    several = "-m torch.distributed.run --standalone --nproc-per-node 4 -m gdsweep.train"
    assert command(TRAINER, directory, 4) == [sys.executable, *several.split(), path]


def test_environment(run: PlannedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).resolve().parents[3])
    monkeypatch.setenv("MARKER", "kept")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found = environment(run, ("GPU-x", "GPU-y"))
    assert found["OMP_NUM_THREADS"] == found["MKL_NUM_THREADS"] == "3"
    assert found["OMP_WAIT_POLICY"] == "PASSIVE"
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-x,GPU-y"
    assert found["MARKER"] == "kept"
    assert found["PYTHONPATH"] == root
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert environment(run, ())["PYTHONPATH"] == root + os.pathsep + "elsewhere"
    assert environment(run, ())["CUDA_VISIBLE_DEVICES"] == ""


def test_a_trainer_that_is_alone_meets_nobody(
    run: PlannedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an sbatch script, torchrun or Kubernetes left in the shell would make it wait."""
    left = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "n1", "TORCHELASTIC_RUN_ID": "x"}
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    assert not left.keys() & environment(run, ()).keys()
