"""Grids by name."""

from pathlib import Path

import pytest

from gdsweep.grid.shipped import SHIPPED, grid_name, grid_path


def test_a_name_means_the_nearest_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert grid_path("demo") == SHIPPED / "demo.yaml"
    here = Path("grids/demo.yaml")
    here.parent.mkdir()
    here.write_text("")
    assert grid_path("demo") == here
    Path("demo").mkdir()  # a folder is no grid
    assert grid_path("demo") == here
    Path("demo").rmdir()
    Path("demo").write_text("")
    assert grid_path("demo") == Path("demo")
    assert grid_path("none") == Path("none")


def test_the_name_of_a_grid_finds_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert grid_name(SHIPPED / "demo.yaml") == "demo"
    assert grid_name(Path("mine/demo.yaml")) == "mine/demo.yaml"
    Path("demo").write_text("")  # the name would mean this one
    assert grid_name(SHIPPED / "demo.yaml") == str(SHIPPED / "demo.yaml")
