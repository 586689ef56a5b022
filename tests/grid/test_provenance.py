"""Where the values of a cell's settings come from."""

from pathlib import Path
from typing import Any

import pytest

from gdsweep.grid import Grid, load_grid
from gdsweep.grid.names import PRESETS, leaves
from gdsweep.grid.provenance import ResolvedSetting

PAGE = """\
title: A page
axes:
  dataset: [coco, mine]
  labels: [1, 5]
  method: [supervised, guided]
  lambda_u: [2]
datasets:
  mine:
    format: shapes
    train: 40
    settings: {batch: {labelled: 2}}
settings:
  backbone: swin-tiny
  loss: {lambda_c: 3}
  evaluation:
    period: {by: labels, 1: 100, 5: 200}
rules:
  - when: {labels: 5}
    set: {loss: {lambda_d: 4}}
  - when: {method: supervised}
    set: {loss: {lambda_c: 6}}
table: {rows: [method], columns: [dataset, labels]}
"""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    path = tmp_path_factory.mktemp("grid") / "page.yaml"
    path.write_text(PAGE)
    return load_grid(path)


def line_of(preset: str, word: str) -> int:
    lines = (PRESETS / "datasets" / f"{preset}.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if word in line)


def settings_of(grid: Grid, **axes: Any) -> dict[str, ResolvedSetting]:
    (cell,) = (c for c in grid.cells if axes.items() <= c.axes.items())
    return {setting.name: setting for setting in grid.resolved_settings(cell)}


def test_every_kind_of_place_is_named_with_its_line(grid: Grid) -> None:
    coco = settings_of(grid, dataset="coco", labels=5, method="guided")
    page = grid.path
    expected = {
        "labels.percent": (5, "axis", f"{page}:4"),
        "distillation.lambda_u": (2, "axis", f"{page}:6"),
        "dataset.name": ("coco", "axis", f"{page}:3"),
        "dataset.root": ("$DETECTRON2_DATASETS/coco", "preset", "preset coco:3"),
        "distillation.burn_in": (30000, "preset", f"preset coco:{line_of('coco', 'burn_in')}"),
        "model.drop_path": (0.3, "preset", "preset swin-tiny:4"),
        "evaluation.period": (200, "grid", f"{page}:16"),
        "loss.lambda_c": (3, "grid", f"{page}:14"),
        "loss.lambda_d": (4, "rule", f"{page}:19"),
        "distillation.alpha": (0.9996, "default", ""),
    }
    found = {name: (coco[name].value, coco[name].source, coco[name].where) for name in expected}
    assert found == expected


def test_a_data_set_of_ones_own_is_told_from_a_preset(grid: Grid) -> None:
    mine = settings_of(grid, dataset="mine", labels=1, method="guided")
    assert (mine["dataset.train"].value, mine["dataset.train"].source) == (40, "data set")
    assert mine["dataset.train"].where == f"{grid.path}:10"
    assert mine["batch.labelled"].source == "data set"
    assert (mine["dataset.val"].value, mine["dataset.val"].source) == (200, "default")


def test_the_teachers_other_values_are_told(grid: Grid) -> None:
    guided = settings_of(grid, dataset="coco", labels=1, method="guided")
    assert guided["loss.lambda_c"].differs
    assert guided["loss.lambda_c"].supervised == 6
    assert not guided["loss.lambda_d"].differs
    supervised = settings_of(grid, dataset="coco", labels=1, method="supervised")
    assert not any(setting.differs for setting in supervised.values())


def test_no_setting_is_left_out(grid: Grid) -> None:
    found = settings_of(grid, dataset="coco", labels=1, method="guided")
    assert {".".join(target) for target in leaves()} - {"dataset"} <= set(found)


def test_what_smoke_shrinks_is_told_as_such(grid: Grid, tmp_path: Path) -> None:
    small = load_grid(grid.path, smoke=tmp_path)
    found = settings_of(small, dataset="coco", labels=1, method="guided")
    assert found["schedule.iterations"].source == "smoke"
    assert found["dataset.root"].source == "smoke"
    assert found["labels.percent"].source == "axis"
