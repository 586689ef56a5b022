"""The whole line as its user walks it: a page of YAML, launch.py, collect.py, table and figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gdsweep.data.miniature import write_coco

ROOT = Path(__file__).parents[1]

SMALL = {
    "model": {
        "backbone": "test_resnet",
        "weights": "random",
        "norm": "batch",
        "hidden": 32,
        "heads": 2,
        "queries": 8,
        "encoder_layers": 1,
        "encoder_feedforward": 32,
        "decoder_layers": 2,
        "decoder_feedforward": 32,
    },
    "loss": {"points": 64},
    "optimizer": {"lr": 1e-3, "clip_norm": 0.1, "precision": "fp32"},
    "schedule": {"iterations": 12},
    "batch": {"labelled": 2, "unlabelled": 2},
    "distillation": {"burn_in": 6, "teacher": {"at": 6}, "alpha": 0.9},
    "evaluation": {"period": 6},
    "resources": {"gpus": 0, "cpus": 1, "workers": 0, "checkpoint_period": 5, "log_period": 2},
}

TOYS = {
    "toys": {
        "format": "coco",
        "root": "data",
        "train": {
            "images": "train2017",
            "annotations": "annotations/instances_train2017.json",
        },
        "val": {"images": "val2017", "annotations": "annotations/instances_val2017.json"},
    }
}
"""What `write_coco` writes, as a grid names it."""


def run(
    command: str, *arguments: object, cwd: Path, timeout: float = 560
) -> subprocess.CompletedProcess:
    """Run a command of the checkout's root from another folder, as a user might."""
    return subprocess.run(
        [sys.executable, str(ROOT / command), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"},
    )


def write_grid(folder: Path, axes: dict, settings: dict, **more: dict) -> Path:
    """Write grid.yaml; returns its path."""
    grid = {
        "title": "Test",
        "axes": axes,
        "settings": settings,
        "table": {"caption": "Test", "rows": ["method"], "columns": ["dataset", "labels"]},
        "figure": {"kind": "label-efficiency", "x": "labels", "lines": "method"},
        **more,
    }
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump(grid, sort_keys=False))
    return path


def check_line(grid: Path, tmp_path: Path, cells: int) -> pd.DataFrame:
    """Launch and collect a grid; returns the table's CSV."""
    store, out = tmp_path / "store", tmp_path / "out"
    launched = run("launch.py", grid, "--yes", "--store", store, cwd=tmp_path)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert "Traceback" not in launched.stdout + launched.stderr
    again = run("launch.py", grid, "--yes", "--store", store, cwd=tmp_path)
    assert again.returncode == 0
    assert f"nothing to do: {cells} of {cells} cells are done" in again.stdout
    collected = run("collect.py", grid, "--store", store, "--out", out, cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    assert collected.stderr == ""
    for suffix in ("txt", "md", "tex", "csv", "png", "pdf"):
        assert (out / f"{grid.stem}.{suffix}").stat().st_size > 0, suffix
    table = pd.read_csv(out / f"{grid.stem}.csv", comment="#")
    assert len(table) == cells
    assert table["AP"].between(0, 100).all()
    for log in store.glob("*/log.txt"):
        assert "Warning" not in log.read_text(), log.read_text()
    return table


@pytest.mark.slow
def test_generated_scenes_from_yaml_to_figure(tmp_path):
    data = {"few": {"format": "shapes", "train": 24, "val": 6, "test": 8}}
    axes = {"dataset": ["few"], "labels": [25, 50], "method": ["supervised", "guided"]}
    views = {
        "geometry": "resized-crop",
        "crop": [64, 64],
        "scale": [0.7, 1.0],
        "test_short_edge": None,
    }
    grid = write_grid(tmp_path, axes, {**SMALL, "augmentation": views}, datasets=data)
    planned = run(
        "launch.py", grid, "--dry-run", "--json", "--store", tmp_path / "no", cwd=tmp_path
    )
    plan = json.loads(planned.stdout)
    assert (plan["cells"], plan["trajectories"], plan["new"]) == (4, 6, 6)
    # per label percentage: 12 supervised + 6 burn-in + 6 self-distilled; alone the student's cell
    # needs the teacher's 6 as well
    assert (plan["iterations_planned"], plan["iterations_unshared"]) == (48, 60)
    assert not (tmp_path / "no").exists()
    # what is trained is one column of it: three runs, in processes of their own
    axes["labels"] = [25]
    grid = write_grid(tmp_path, axes, {**SMALL, "augmentation": views}, datasets=data)
    table = check_line(grid, tmp_path, 2)
    assert set(table["method"]) == {"supervised", "guided"}


@pytest.mark.slow
def test_a_coco_data_set_the_user_brings(tmp_path):
    write_coco(tmp_path / "data")
    grid = write_grid(
        tmp_path,
        {"dataset": ["toys"], "labels": [50], "method": ["supervised"]},
        {**SMALL, "augmentation": {"crop": [96, 96], "test_short_edge": 96}},
        datasets=TOYS,
    )
    check_line(grid, tmp_path, 1)


@pytest.mark.slow
def test_real_photographs_through_all_three_stages(tmp_path, pennfudan):
    """ResNet-50 at reduced size on street photographs, a few iterations."""
    settings = {
        **SMALL,
        "model": {**SMALL["model"], "backbone": "resnet50", "norm": "frozen"},
        "schedule": {"iterations": 6},
        "distillation": {"burn_in": 3, "teacher": {"at": 3}, "alpha": 0.9},
        "augmentation": {"crop": [128, 128], "test_short_edge": 96},
    }
    grid = write_grid(
        tmp_path,
        {"dataset": ["pennfudan"], "labels": [10], "method": ["supervised", "guided"]},
        settings,
        datasets={
            "pennfudan": {
                "format": "coco",
                "root": str(pennfudan),
                "train": {"images": "images", "annotations": "instances_train.json"},
                "val": {"images": "images", "annotations": "instances_val.json"},
            }
        },
    )
    check_line(grid, tmp_path, 2)
    store = tmp_path / "store"
    scores = [json.loads(path.read_text()) for path in store.glob("*/scores/*.json")]
    assert {(score["images"], score["instances"]) for score in scores} == {(50, 131)}


def test_a_damaged_photograph_is_one_clear_line_and_exit_code_2(tmp_path):
    write_coco(tmp_path / "data")
    for path in (tmp_path / "data" / "train2017").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:600])
    grid = write_grid(
        tmp_path,
        {"dataset": ["toys"], "labels": [100], "method": ["supervised"]},
        {**SMALL, "augmentation": {"crop": [96, 96], "test_short_edge": 96}},
        datasets=TOYS,
    )
    launched = run("launch.py", grid, "--yes", "--store", tmp_path / "store", cwd=tmp_path)
    assert launched.returncode == 2, launched.stdout + launched.stderr
    text = launched.stdout + launched.stderr
    assert "Traceback" not in text
    assert ".jpg" in text
    assert "log.txt:" in text
