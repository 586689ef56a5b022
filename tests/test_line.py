"""The whole line as its user walks it: a page of YAML, launch.py, collect.py, table and figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageDraw

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


def run(command: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    """Run a command of the checkout's root from another folder, as a user might."""
    return subprocess.run(
        [sys.executable, str(ROOT / command), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=560,
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


def write_coco(folder: Path, images: int, seed: int, name: str) -> None:
    """Photographs of a sort: ellipses and rectangles, polygons as annotations."""
    rng = np.random.default_rng(seed)
    (folder / name).mkdir(parents=True)
    content: dict = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 2, "name": "round"}, {"id": 5, "name": "square"}],
    }
    for image_id in range(1, images + 1):
        size = (int(rng.integers(70, 120)), int(rng.integers(70, 120)))
        picture = Image.fromarray(rng.integers(0, 90, (size[1], size[0], 3), dtype=np.uint8))
        draw = ImageDraw.Draw(picture)
        for category in (2, 5):
            x, y = rng.integers(5, 40, 2).tolist()
            w, h = rng.integers(20, 28, 2).tolist()
            angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
            corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
            if category == 2:
                corners = [
                    (x + w / 2 + w / 2 * np.cos(a), y + h / 2 + h / 2 * np.sin(a)) for a in angles
                ]
            draw.polygon(corners, fill=(255, 40 * category, 0))
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": image_id,
                    "category_id": category,
                    "segmentation": [[float(v) for corner in corners for v in corner]],
                    "area": float(w * h),
                    "bbox": [x, y, w, h],
                    "iscrowd": 0,
                }
            )
        file_name = f"{image_id:04d}.jpg"
        picture.save(folder / name / file_name, quality=90)
        content["images"].append(
            {"id": image_id, "file_name": file_name, "width": size[0], "height": size[1]}
        )
    (folder / f"{name}.json").write_text(json.dumps(content))


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
    data = {"format": "shapes", "train": 24, "val": 6, "test": 8}
    grid = write_grid(
        tmp_path,
        {"dataset": ["scenes"], "labels": [25, 50], "method": ["supervised", "guided"]},
        {
            **SMALL,
            "augmentation": {
                "geometry": "resized-crop",
                "crop": [64, 64],
                "scale": [0.7, 1.0],
                "test_short_edge": None,
            },
        },
        datasets={"scenes": data},
    )
    planned = run(
        "launch.py", grid, "--dry-run", "--json", "--store", tmp_path / "no", cwd=tmp_path
    )
    plan = json.loads(planned.stdout)
    assert (plan["cells"], plan["trajectories"], plan["new"]) == (4, 6, 6)
    # per label percentage: 12 supervised + 6 burn-in + 6 self-distilled; alone the student's cell
    # needs the teacher's 6 as well
    assert (plan["iterations_planned"], plan["iterations_unshared"]) == (48, 60)
    assert not (tmp_path / "no").exists()
    table = check_line(grid, tmp_path, 4)
    assert set(table["method"]) == {"supervised", "guided"}


@pytest.mark.slow
def test_a_coco_data_set_the_user_brings(tmp_path):
    for name, images, seed in (("train", 10, 0), ("val", 4, 1)):
        write_coco(tmp_path / "data", images, seed, name)
    grid = write_grid(
        tmp_path,
        {"dataset": ["toys"], "labels": [50], "method": ["supervised", "guided"]},
        {**SMALL, "augmentation": {"crop": [96, 96], "test_short_edge": 96}},
        datasets={
            "toys": {
                "format": "coco",
                "root": "data",
                "train": {"images": "train", "annotations": "train.json"},
                "val": {"images": "val", "annotations": "val.json"},
            }
        },
    )
    check_line(grid, tmp_path, 2)


@pytest.mark.slow
def test_real_photographs_through_all_three_stages(tmp_path, pennfudan):
    """ResNet-50 at reduced size on street photographs, a few dozen iterations."""
    settings = {
        **SMALL,
        "model": {**SMALL["model"], "backbone": "resnet50", "norm": "frozen"},
        "schedule": {"iterations": 24},
        "distillation": {"burn_in": 12, "teacher": {"at": 12}, "alpha": 0.9},
        "evaluation": {"period": 24},
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


@pytest.mark.slow
def test_smoke_takes_the_demo_grid_through_everything(tmp_path):
    store, out = tmp_path / "store", tmp_path / "out"
    grid = ROOT / "grids" / "demo.yaml"
    launched = run("launch.py", grid, "--smoke", "--yes", "--store", store, cwd=tmp_path)
    assert launched.returncode == 0, launched.stdout + launched.stderr
    collected = run("collect.py", grid, "--smoke", "--store", store, "--out", out, cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    assert (out / "demo-smoke.pdf").exists()


def test_a_damaged_photograph_is_one_clear_line_and_exit_code_2(tmp_path):
    for name, images, seed in (("train", 6, 0), ("val", 2, 1)):
        write_coco(tmp_path / "data", images, seed, name)
    for path in (tmp_path / "data" / "train").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:600])
    grid = write_grid(
        tmp_path,
        {"dataset": ["toys"], "labels": [100], "method": ["supervised"]},
        {**SMALL, "augmentation": {"crop": [96, 96], "test_short_edge": 96}},
        datasets={
            "toys": {
                "format": "coco",
                "root": "data",
                "train": {"images": "train", "annotations": "train.json"},
                "val": {"images": "val", "annotations": "val.json"},
            }
        },
    )
    launched = run("launch.py", grid, "--yes", "--store", tmp_path / "store", cwd=tmp_path)
    assert launched.returncode == 2, launched.stdout + launched.stderr
    text = launched.stdout + launched.stderr
    assert "Traceback" not in text
    assert ".jpg" in text
    assert "log.txt:" in text
