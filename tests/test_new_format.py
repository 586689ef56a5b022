"""A format is two files: those in new_format/, laid into a copy of the package, go all the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]

GRID = """title: T
axes: {dataset: [pixies], labels: [50], method: [supervised]}
datasets:
  pixies: {format: sprites, root: elsewhere}
settings: {schedule: {iterations: 100}}
table: {caption: T, rows: [method], columns: [dataset]}
"""


@pytest.mark.slow
def test_two_files_add_a_format(tmp_path: Path) -> None:
    for name in ("gdsweep", "plots", "grids"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("launch.py", "collect.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "tests/new_format/sprites_format.py", tmp_path / "gdsweep/config")
    shutil.copy(ROOT / "tests/new_format/sprites.py", tmp_path / "gdsweep/data")
    grid = tmp_path / "pixies.yaml"
    grid.write_text(GRID)

    def run(*command: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "160"},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    plan = run("launch.py", "pixies.yaml", "--dry-run", "--cluster", "local")
    place = tmp_path / "elsewhere"
    assert f"data of pixies not found on this machine: {place}\n" in plan
    run("launch.py", "pixies.yaml", "--smoke", "--yes", "--cluster", "local")
    checked = run("-m", "gdsweep.data", "check", "pixies.yaml", "--smoke")
    assert f"pixies (sprites, {tmp_path / 'runs-smoke/data/sprites'})" in checked
    run("collect.py", "pixies.yaml", "--smoke", "--out", "out")
    (row,) = pd.read_csv(tmp_path / "out/pixies-smoke.csv", comment="#").to_dict("records")
    assert (row["status"], row["split"], row["images"]) == ("done", "val", 3)
    changed = tmp_path / "runs-smoke/data/sprites/val.npz"
    changed.write_bytes(changed.read_bytes() + b" ")
    said = run("launch.py", "pixies.yaml", "--smoke", "--yes", "--cluster", "local", code=1)
    assert f"{changed}: changed since" in said
