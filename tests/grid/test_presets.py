from gdsweep.config import CellSettings, CocoData, ShapesData
from gdsweep.grid.names import backbone_names, dataset_names
from gdsweep.grid.presets import backbone, shipped_dataset
from gdsweep.grid.timm_names import is_timm_name


def test_every_shipped_file_is_right() -> None:
    assert dataset_names() == ("coco", "shapes")
    for name in dataset_names():
        assert shipped_dataset(name).data.name == name
    assert "resnet50" in backbone_names()
    for name in backbone_names():
        assert is_timm_name(backbone(name).timm)


def test_shapes() -> None:
    data = shipped_dataset("shapes").data
    assert data == ShapesData(name="shapes")


def test_coco_is_the_papers(load) -> None:
    """Section 4.1 and Table 2; the public code's augmentation."""
    text = "title: T\naxes: {dataset: [coco], labels: [1, 2, 5, 10, 20], method: [guided]}\n"
    cells = load(text).cells
    burn_ins = [cell.settings.distillation.burn_in for cell in cells]
    assert burn_ins == [20_000, 25_000, 30_000, 60_000, 50_000]
    settings = cells[0].settings
    assert isinstance(settings.dataset, CocoData)
    assert settings.dataset.root == "$DETECTRON2_DATASETS/coco"
    assert settings.schedule.iterations == 368_750
    drops = [round(settings.schedule.iterations * drop) for drop in settings.schedule.drops]
    assert drops == [327_778, 355_092]
    # but for the backbone and what tells the cell, COCO's values are the defaults
    default = CellSettings(dataset=settings.dataset)
    for part in ("augmentation", "loss", "optimizer", "schedule", "batch", "evaluation"):
        assert getattr(settings, part) == getattr(default, part)


def test_swin_large_takes_two_machines_for_a_student_on_coco(load) -> None:
    text = """title: T
axes:
  dataset: [coco]
  labels: [1]
  backbone: [resnet50, swin-large]
  method: [supervised, guided]
"""
    cells = load(text).cells
    assert [cell.settings.resources.nodes for cell in cells] == [1, 1, 1, 2]
    assert [cell.settings.model.queries for cell in cells] == [100, 100, 200, 200]
    assert [cell.settings.model.drop_path for cell in cells] == [0, 0, 0.3, 0.3]
