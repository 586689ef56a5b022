"""A store that an earlier version left (old_store/README.md) is read, and done, by this one."""

import csv
import json
import shutil
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
