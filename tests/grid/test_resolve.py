"""What wins over what: defaults < data set < backbone < settings < rules; axes beside them."""

import os
from pathlib import Path

import pytest

from gdsweep.config import CellSettings, ShapesData

PAGE = """title: T
axes:
  dataset: [shapes, street]
  labels: [5, 10]
  method: [supervised, guided]
datasets:
  street:
    format: coco
    root: data/street
    train: {images: images, annotations: train.json}
    val: {images: images, annotations: val.json}
    settings:
      lr: 0.1
      model: {queries: 7, drop_path: 0.1}
      burn_in: {by: labels, 5: 11, 10: 12}
    rules:
      - {when: {labels: 10, method: guided}, set: {gpus: 3}}
settings:
  model: {backbone: swin-large, heads: 4}
  iterations: {by: dataset, shapes: 100, street: 200}
  drops:
    by: [dataset, labels]
    shapes: {5: [0.5], 10: [0.6]}
    street: {5: [0.7], 10: [0.8, 0.9]}
  augmentation:
    by: labels
    5: {flip: 0.1}
    10: {flip: 0.2, crop: [32, 32]}
  distillation.lambda_u: 1
rules:
  - {when: {dataset: shapes}, set: {distillation: {burn_in: 50}}}
  - {when: {method: guided}, set: {lr: 0.2, resources: {gpus: {by: labels, 5: 1, 10: 2}}}}
  - {when: {method: guided, labels: [10]}, set: {lr: 0.3}}
  - {when: {method: supervised}, set: {lr: 0.4}}
"""


@pytest.fixture
def cells(load) -> dict:
    return {tuple(cell.axes.values()): cell for cell in load(PAGE).cells}


def test_order(cells) -> None:
    shapes = cells["shapes", 5, "guided"].settings
    street = cells["street", 10, "guided"].settings
    default = CellSettings(dataset=ShapesData(name="x"))
    assert shapes.optimizer.weight_decay == default.optimizer.weight_decay  # nobody says
    assert shapes.augmentation.geometry == "resized-crop"  # the data set's preset
    assert street.augmentation.geometry == "scale-jitter"
    assert street.distillation.burn_in == 12  # the user's data set, by labels
    assert shapes.model.queries == 200  # the backbone's preset
    assert street.model.queries == 200  # ... wins over the data set's
    assert street.model.drop_path == 0.3
    assert shapes.model.heads == 4  # the grid's settings
    assert shapes.distillation.lambda_u == 1
    assert shapes.optimizer.lr == 0.2  # rules
    assert street.optimizer.lr == 0.3  # the later rule
    assert street.resources.gpus == 2  # the grid's rule over the data set's
    assert cells["street", 10, "supervised"].settings.optimizer.lr == 0.4
    assert cells["street", 10, "supervised"].settings.resources.gpus == 8


def test_by(cells) -> None:
    found = {key: cell.settings for key, cell in cells.items()}
    assert found["shapes", 5, "guided"].schedule.iterations == 100
    assert found["street", 5, "guided"].schedule.iterations == 200
    assert found["street", 5, "guided"].schedule.drops == (0.7,)
    assert found["street", 10, "guided"].schedule.drops == (0.8, 0.9)
    assert found["shapes", 5, "guided"].augmentation.flip == 0.1
    assert found["shapes", 5, "guided"].augmentation.crop == (64, 64)
    assert found["shapes", 10, "guided"].augmentation.crop == (32, 32)


def test_axes_are_in_the_settings(cells) -> None:
    for (dataset, labels, method), cell in cells.items():
        assert cell.settings.dataset.name == dataset
        assert cell.settings.labels.percent == labels
        assert cell.settings.method == method


def test_an_axis_wins_over_presets(load) -> None:
    text = "title: T\naxes: {dataset: [coco], labels: [5], burn_in: [7], queries: [9]}\n"
    cell = load(f"{text}settings: {{model: {{backbone: swin-large}}}}\n").cells[0]
    assert cell.settings.distillation.burn_in == 7
    assert cell.settings.model.queries == 9


def test_a_backbone_is_a_preset_or_a_timm_name(load) -> None:
    text = "title: T\naxes: {dataset: [coco], labels: [5], backbone: [resnet50, resnet18.a1_in1k]}"
    preset, plain = load(text).cells
    assert preset.settings.model.backbone == "resnet50.tv_in1k"
    assert preset.coordinates["backbone"] == "resnet50"
    assert plain.settings.model.backbone == "resnet18.a1_in1k"
    default = load("title: T\naxes: {dataset: [coco], labels: [5]}").cells[0]
    assert default.settings == preset.settings


def test_the_teacher_is_the_supervised_cell(cells) -> None:
    for dataset in ("shapes", "street"):
        for labels in (5, 10):
            guided = cells[dataset, labels, "guided"]
            assert guided.supervised == cells[dataset, labels, "supervised"].settings
            assert cells[dataset, labels, "supervised"].supervised is None


def test_the_teacher_is_supervised_without_such_a_cell(load) -> None:
    cells = load(PAGE.replace("[supervised, guided]", "[guided]")).cells
    assert [c.supervised.optimizer.lr for c in cells if c.supervised] == [0.4] * 4


def test_basics_may_stand_in_settings(load) -> None:
    text = """title: T
axes: {seed: [0, 1]}
settings:
  dataset: {by: seed, 0: shapes, 1: coco}
  labels: {by: seed, 0: 5, 1: {percent: 10, pool: complement}}
  method: no-burn-in
  backbone: swin-tiny
"""
    one, two = load(text).cells
    assert one.coordinates == {
        "seed": 0,
        "dataset": "shapes",
        "labels": 5,
        "method": "no-burn-in",
        "backbone": "swin-tiny",
    }
    assert (one.settings.labels.percent, one.settings.labels.pool) == (5, "all")
    assert (two.settings.labels.percent, two.settings.labels.pool) == (10, "complement")
    assert two.settings.dataset.name == "coco"
    assert two.settings.model.drop_path == 0.3


def test_resolved_settings_are_valid(cells) -> None:
    for cell in cells.values():
        assert CellSettings.model_validate(cell.settings.model_dump()) == cell.settings


@pytest.mark.parametrize("root", ["~/data", "$DATA/street", "/data"])
def test_roots_that_stay(load, root: str) -> None:
    cells = load(PAGE.replace("root: data/street", f"root: {root}")).cells
    assert cells[-1].settings.dataset.root == root


def test_relative_roots_are_beside_the_grid(load, tmp_path: Path) -> None:
    assert load(PAGE).cells[-1].settings.dataset.root == str(tmp_path / "data" / "street")
    cells = load(PAGE.replace("    root: data/street\n", "")).cells
    assert os.path.join(cells[-1].settings.dataset.root, "x") == str(tmp_path / "x")
