"""Grids by name."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid.shipped import SHIPPED, existing_grid, grid_name, grid_path


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


def test_a_mistyped_name_is_told_what_may_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        existing_grid(grid_path("tabel3"))
    line = "tabel3: no such file, and no grid of that name; did you mean table3?"
    assert str(caught.value) == line
    Path("grids").mkdir()
    Path("grids/nuclei.yaml").touch()
    with pytest.raises(BadInput, match="did you mean nuclei"):
        existing_grid(Path("nuclie.yaml"))
    assert existing_grid(tmp_path) == tmp_path  # what it is instead is told by who reads it
