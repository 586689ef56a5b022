from pathlib import Path

from gdsweep.config import CellSettings, CityscapesData, CocoData
from gdsweep.grid import build_graph, load_grid
from gdsweep.grid.smoke import ITERATIONS

PAGE = """title: T
axes:
  dataset: [coco]
  labels: [1, 10]
  method: [supervised, guided, fixed-teacher, standard-burn-in, no-burn-in]
  seed: [0, 1]
settings:
  teacher.at: 100000
"""
PAGE = PAGE.replace("teacher.at", "distillation.teacher.at")


def test_the_same_cells_and_stages_in_miniature(load) -> None:
    full, small = load(PAGE), load(PAGE, smoke=True)
    assert [cell.axes for cell in small.cells] == [cell.axes for cell in full.cells]
    a, b = build_graph(full.cells), build_graph(small.cells)
    shape = [[(s.first < s.last) for s in a.chain(cell)] for cell in full.cells]
    assert [[(s.first < s.last) for s in b.chain(cell)] for cell in small.cells] == shape
    objectives = [run.config.objective for run in a.runs.values()]
    assert [run.config.objective for run in b.runs.values()] == objectives
    assert not set(a.runs) & set(b.runs)
    assert max(wanted.stop for wanted in b.wanted.values()) == ITERATIONS


def test_places_on_the_horizon(load) -> None:
    cell = next(c for c in load(PAGE, smoke=True).cells if c.settings.method == "guided")
    assert cell.settings.distillation.burn_in == 1  # 20,000 of 368,750
    assert cell.settings.distillation.teacher.at == 2  # 100,000 of 368,750
    assert cell.settings.evaluation.period < cell.settings.schedule.iterations
    assert cell.supervised is not None
    assert cell.supervised.schedule.iterations == ITERATIONS


def test_it_runs_anywhere(load) -> None:
    for cell in load(PAGE, smoke=True).cells:
        settings = cell.settings
        assert CellSettings.model_validate(settings.model_dump()) == settings
        assert (settings.resources.device, settings.resources.gpus) == ("cpu", 0)
        assert settings.optimizer.precision == "fp32"
        assert (settings.model.weights, settings.model.backbone) == ("random", "test_resnet")
        assert (settings.dataset.name, settings.dataset.format) == ("coco", "coco")
        assert settings.augmentation.crop == (64, 64)
        assert settings.labels.percent == cell.axes["labels"]


def test_what_the_grid_is_about_stays(load) -> None:
    page = PAGE + "  lambda_u: 0.5\n  alpha: 0.9\n  evaluation.select: final\n  lr: 0.3\n"
    settings = load(page, smoke=True).cells[0].settings
    assert settings.distillation.lambda_u == 0.5
    assert settings.distillation.alpha == 0.9
    assert settings.evaluation.select == "final"
    assert settings.optimizer.lr == 0.3


def test_a_late_burn_in_leaves_an_iteration(load) -> None:
    page = PAGE + "  burn_in: 368749\n"
    page = page.replace("  distillation.teacher.at: 100000\n", "")
    guided = load(page, smoke=True).cells[2].settings
    assert guided.distillation.burn_in == ITERATIONS - 1


def test_a_backbones_family_stays(load) -> None:
    page = """title: T
axes:
  dataset: [cityscapes]
  labels: [5]
  backbone: [resnet50, swin-large, dinov2-base, deit-base, mask-rcnn-resnet50, convnext_tiny]
settings: {method: supervised, vit_resize: bilinear}
"""
    models = [cell.settings.model for cell in load(page, smoke=True).cells]
    assert [model.backbone for model in models] == [
        "test_resnet",
        "swin_test",
        "test_vit",
        "test_vit",
        "resnet18",
        "test_resnet",
    ]
    assert [model.architecture for model in models][3:5] == ["mask2former", "mask-rcnn"]
    assert {model.vit_resize for model in models} == {"bilinear"}


DATA = """title: T
axes: {dataset: [coco, streets, shapes, pets], labels: [50], method: [guided]}
datasets:
  streets: {format: cityscapes, root: /data/streets, extra: true, masks: polygons}
  pets:
    format: coco
    root: /data/pets
    train: {images: a, annotations: a.json}
    val: {images: b, annotations: b.json}
    test: {images: c, annotations: "detectron2:c"}
    unlabelled: {images: d}
settings: {schedule: {iterations: 100}, burn_in: 50}
"""


def test_data_sets_keep_their_format_and_are_read_in_miniature(load, tmp_path: Path) -> None:
    coco, streets, shapes, pets = (c.settings.dataset for c in load(DATA, smoke=True).cells)
    assert isinstance(coco, CocoData)
    assert coco.root == str(tmp_path / "data" / "coco")
    assert (coco.train.images, coco.val.images) == ("train2017", "val2017")
    assert (coco.test, coco.unlabelled) == (None, None)
    assert isinstance(streets, CityscapesData)
    assert streets.root == str(tmp_path / "data" / "cityscapes")
    assert (streets.extra, streets.masks) == (True, "polygons")
    assert (shapes.format, shapes.val) == ("shapes", 4)
    # a user's own data are not touched, in whatever sets they are
    assert pets.name == "pets"
    assert "/data/pets" not in pets.model_dump_json()
    assert pets.test == pets.val == coco.val
    assert pets.unlabelled.images == "unlabeled2017"


def test_where_the_miniatures_lie_is_no_identity(load, tmp_path: Path) -> None:
    first = load(DATA, smoke=True)
    elsewhere = load_grid(first.path, smoke=tmp_path / "elsewhere")
    assert set(build_graph(first.cells).runs) == set(build_graph(elsewhere.cells).runs)
