"""A store that an earlier version left (old_store/README.md) is read, and done, by this one."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gdsweep.commands.entry import script

OLD = Path(__file__).with_name("old_store")
CELLS = {
    "supervised": ("mine-50pct-test_resnet-supervised-s0-e42e2e07", 12.5),
    "guided": ("mine-50pct-test_resnet-self-distilled-s0-b91e8518", 23.5),
}
"""Method to the run that is scored for it, and to its AP."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store with its grids and data, in a working directory of its own."""
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GDSWEEP_CLUSTER", "")
    return folder


def test_a_launch_has_nothing_to_do(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in sorted((old / "runs").rglob("*.*"))}
    assert script("launch", ["grid.yaml", "--cluster", "local", "--yes", "--json"]) == 0
    captured = capsys.readouterr()
    plan = json.loads(captured.out)
    assert {run["status"] for run in plan["runs"]} == {"done"}
    assert len(plan["runs"]) == 3
    assert "nothing to do: 2 of 2 cells are done" in captured.err
    assert {path: path.read_bytes() for path in sorted((old / "runs").rglob("*.*"))} == before


def test_the_status_is_done(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("launch", ["grid.yaml", "--cluster", "local", "--status"]) == 0
    shown = capsys.readouterr().out
    assert "2 of 2 cells done" in shown
    assert "12.5" in shown
    assert "23.5" in shown


def test_the_table_has_its_numbers(old: Path) -> None:
    assert script("collect", ["grid.yaml"]) == 0
    with open(old / "results" / "grid.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    found = {row["method"]: (row["run"], float(row["AP"])) for row in rows}
    assert found == CELLS
    assert {row["status"] for row in rows} == {"done"}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_touched_and_moved_files_change_nothing(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (old / "data" / "val.json").touch()
    shutil.copytree(old / "data", old / "elsewhere")
    grid = (old / "grid.yaml").read_text()
    (old / "grid.yaml").write_text(grid.replace("root: data", "root: elsewhere"))
    assert script("launch", ["grid.yaml", "--cluster", "local", "--yes"]) == 0
    assert "nothing to do: 2 of 2 cells are done" in capsys.readouterr().out
    assert script("collect", ["grid.yaml"]) == 0


def test_a_changed_file_is_told_in_one_line_and_its_numbers_are_withheld(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    val = old / "data" / "val.json"
    before = val.stat()
    val.write_text(val.read_text().replace("thing", "other"))
    os.utime(val, ns=(before.st_atime_ns, before.st_mtime_ns))  # as `cp -p` would have it
    changed = "data/val.json: changed since "
    assert script("launch", ["grid.yaml", "--cluster", "local", "--yes", "--retry"]) == 1
    *told, last = lines(capsys.readouterr().out)
    assert all(line.startswith("left alone: ") and changed in line for line in told)
    assert (len(told), last) == (3, "nothing to start: 0 of 2 cells are done")
    assert script("launch", ["grid.yaml", "--cluster", "local", "--dry-run"]) == 0
    assert capsys.readouterr().out.count(f"outdated: {old}/{changed}") == 3
    assert script("launch", ["grid.yaml", "--cluster", "local", "--status"]) == 0
    shown = capsys.readouterr().out
    assert "0 of 2 cells done" in shown
    assert "outdated" in shown
    assert script("collect", ["grid.yaml", "--cost", "--pseudo-labels"]) == 1
    captured = capsys.readouterr()
    assert [line.split(": ")[2] for line in lines(captured.err)] == [
        "changed since runs/mine-50pct-test_resnet-supervised-s0-e42e2e07 was trained on it; give "
        "what is now called mine another name, or remove the run"
    ]
    assert "✗ other data" in captured.out
    for path in (old / "results").glob("*.csv"):
        assert not {"12.5", "23.5"} & set(path.read_text().replace("\n", ",").split(",")), path


def test_a_run_named_by_its_files_place_is_told_and_kept(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["backbone-file.yaml", "--cluster", "local"]
    assert script("launch", [*command, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "1 cell (0 done)" in shown
    former = "runs/mine-50pct-test_resnet-supervised-s0-8c439b6e"
    (line,) = [line for line in lines(shown) if "mv " in line]
    assert line.startswith(f"{former} may be mine-50pct-test_resnet-supervised-s0-")
    subprocess.run(line.partition("keep it with: ")[2], shell=True, check=True)
    assert script("launch", [*command, "--yes"]) == 0
    assert "nothing to do: 1 of 1 cells are done" in capsys.readouterr().out
    assert script("collect", ["backbone-file.yaml"]) == 0
    assert "17.5" in (old / "results" / "backbone-file.csv").read_text()


@pytest.mark.parametrize("change", [("backbone.pt", "another.pt"), ("queries: 4", "queries: 5")])
def test_only_what_may_be_the_same_training_is_told(
    old: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str]
) -> None:
    shutil.copy("backbone.pt", "another.pt")
    grid = (old / "backbone-file.yaml").read_text()
    assert change[0] in grid
    (old / "backbone-file.yaml").write_text(grid.replace(*change))
    assert script("launch", ["backbone-file.yaml", "--cluster", "local", "--dry-run"]) == 0
    assert "mv " not in capsys.readouterr().out


def test_what_a_grid_left_open_is_told_where_it_follows_from_the_data_now(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decided = (old / "grid.yaml").read_text()
    (old / "grid.yaml").write_text(decided.replace(", test_max_edge: 1333", ""))
    assert script("launch", ["grid.yaml", "--cluster", "local", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "2 cells (0 done)" in shown
    (line,) = [line for line in lines(shown) if "the grid has them again with" in line]
    assert line.startswith("runs/mine-50pct-test_resnet-supervised-s0-e42e2e07")
    assert line.endswith("`settings: {augmentation: {test_max_edge: 1333}}`")
    (old / "grid.yaml").write_text(decided)
    assert script("launch", ["grid.yaml", "--cluster", "local", "--dry-run"]) == 0
    assert "the grid has them again with" not in capsys.readouterr().out
