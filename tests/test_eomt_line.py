"""A tiny EoMT through all three stages, scored and collected."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from test_line import SMALL, run

from gdsweep.model.eomt import mask_shares

GRID: dict[str, Any] = {
    "title": "EoMT in miniature",
    "axes": {"dataset": ["toys"], "labels": [50], "method": ["supervised", "guided"]},
    "datasets": {"toys": {"format": "shapes", "train": 16, "val": 4, "test": 4}},
    "settings": {
        **{key: value for key, value in SMALL.items() if key != "model"},
        "model": {
            "architecture": "eomt",
            "backbone": "test_vit",
            "weights": "random",
            "queries": 6,
            "query_blocks": 3,
        },
        "augmentation": {"geometry": "resized-crop", "crop": [64, 64], "scale": [0.7, 1.0],
                         "test_short_edge": None},
    },
    "table": {"rows": ["method"], "columns": ["labels"]},
}  # fmt: skip


@pytest.mark.slow
def test_every_stage_is_trained_scored_and_collected(tmp_path: Path) -> None:
    (tmp_path / "eomt.yaml").write_text(yaml.safe_dump(GRID))
    launched = run("launch.py", "eomt.yaml", "--cluster", "local", "--yes", cwd=tmp_path)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    collected = run("collect.py", "eomt.yaml", cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    table = pd.read_csv(tmp_path / "results" / "eomt.csv")
    assert list(table["status"]) == ["done", "done"]
    assert table["AP"].between(0, 100).all()
    runs = sorted((tmp_path / "runs").glob("*/config.yaml"))
    objectives = {yaml.safe_load(path.read_text())["objective"] for path in runs}
    assert objectives == {"supervised", "guided", "self-distilled"}
    for path in runs:
        lines = (path.parent / "metrics.json").read_text().splitlines()
        assert all("total_loss" in json.loads(line) for line in lines[:1])
        last = max((path.parent / "checkpoints").glob("state-*.pt"))
        state = torch.load(last, weights_only=True)
        # annealing has followed the iterations: the last step was told of those before it
        done = (state["iteration"] - 1) / 12
        assert state["student"]["mask_share"].tolist() == pytest.approx(mask_shares(done, 3))
