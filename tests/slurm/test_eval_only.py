"""Given weights are scored by SLURM's jobs too, and the hints carry the flag."""

from typing import Any

import torch

from gdsweep.config import ModelSettings
from gdsweep.interop.weights_file import write_weights_file
from gdsweep.model import Mask2Former
from gdsweep.runs import Store


def score(store: Store, run: str) -> str:
    (path,) = store.run(run).path.glob("scores/*.json")
    return path.name + path.read_text()


def test_a_job_scores_and_trains_nothing(cluster: Any, tmp_path: Any) -> None:
    grid = cluster.grid(settings={"model": {"init": "given.pt"}})
    settings = ModelSettings(
        backbone="test_resnet", weights="random", norm="batch", hidden=32, heads=2, queries=6,
        encoder_layers=1, encoder_feedforward=32, decoder_layers=2, decoder_feedforward=32,
    )  # fmt: skip
    torch.manual_seed(0)
    state = Mask2Former(settings, 4).state_dict()
    write_weights_file(tmp_path / "given.pt", state, settings, None, "a test")
    done = cluster.launch(grid, "--eval-only", "--yes", "--cluster", "slurm")
    assert "given weights are scored, nothing is trained" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(
        f"--store {cluster.store.root} --eval-only --status"
    )
    (job,) = cluster.mine()
    run = next(cluster.store.root.glob("*/config.yaml")).parent.name
    assert cluster.wait([job]) == {job: "COMPLETED"}, cluster.log(run)
    assert cluster.store.run(run).states() == [0]
    local = cluster.local(grid, tmp_path / "local", "--eval-only")
    assert score(cluster.store, run) == score(local, run)
    told = cluster.launch(grid, "--eval-only", "--cluster", "slurm", "--status").stdout
    assert "1 of 1 cells done · given weights are scored, nothing is trained" in told
