"""The paper, today's networks and the demo in miniature: each grid through launch and collect, in
the official layouts."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from test_line import ROOT, run

from gdsweep.grid import load_grid
from gdsweep.runs import Store

NAMES = ("table3", "table4", "table5", "table6", "table7", "figure1", "figure6", "today", "demo")
GRIDS = [ROOT / "grids" / f"{name}.yaml" for name in NAMES]
FAMILIES = {"test_resnet", "swin_test", "test_vit", "resnet18"}
"""What ResNet-50, Swin, plain vision transformers and Mask R-CNN are in miniature."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("paper-smoke"),
    pytest.mark.timeout(3600),  # minutes, unless the machine has other things to do
]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the store `runs-smoke` of all grids, launched, and their `results`."""
    pytest.importorskip("cityscapesscripts", reason="Cityscapes AP needs cityscapesscripts")
    folder = tmp_path_factory.mktemp("paper")
    launched = run(
        "launch.py", *GRIDS, "--smoke", "--cluster", "local", "--yes", cwd=folder, timeout=2400
    )
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert "Traceback" not in launched.stdout + launched.stderr
    collected = run("collect.py", *GRIDS, "--smoke", "--curves", cwd=folder, timeout=1000)
    assert collected.returncode == 0, collected.stderr
    assert collected.stderr == ""
    yield folder
    shutil.rmtree(folder)  # two gigabytes


def configs(folder: Path) -> list[dict[str, Any]]:
    """Settings of the runs that read files: all but the demo's."""
    paths = (folder / "runs-smoke").glob("c*/config.yaml")
    return [yaml.safe_load(path.read_text())["settings"] for path in paths]


def test_every_cell_is_done(paper: Path) -> None:
    for name, path in zip(NAMES, GRIDS, strict=True):
        table = pd.read_csv(paper / "results" / f"{name}-smoke.csv")
        assert len(table) == len(load_grid(path).cells)
        assert set(table["status"]) == {"done"}
        assert table["AP"].between(0, 100).all()
    again = run("launch.py", *GRIDS, "--smoke", "--cluster", "local", cwd=paper)
    assert again.returncode == 0
    assert "nothing to do: 155 of 155 cells are done" in again.stdout


def test_every_table_and_figure_is_written(paper: Path) -> None:
    expected = {f"{name}-smoke{end}" for name in NAMES for end in (".txt", ".md", ".tex", ".csv")}
    drawn = ("figure1", "figure6", "demo")
    expected |= {f"{name}-smoke{end}" for name in drawn for end in (".png", ".pdf")}
    found = {path.name for path in (paper / "results").iterdir() if path.stat().st_size > 200}
    assert expected <= found
    for name in NAMES:
        assert any(file.startswith(f"{name}-smoke-curves") for file in found)


def test_data_are_read_in_their_official_layouts(paper: Path) -> None:
    settings = configs(paper)
    assert {(s["dataset"]["name"], s["dataset"]["format"]) for s in settings} == {
        ("coco", "coco"),
        ("cityscapes", "cityscapes"),
    }
    data = Store(paper / "runs-smoke").miniatures
    assert {s["dataset"]["root"] for s in settings} == {
        str(data / "coco"),
        str(data / "cityscapes"),
    }
    records = {
        path: json.loads(path.read_text()) for path in paper.glob("runs-smoke/c*/dataset.json")
    }
    assert len(records) == len(settings)
    with_extra = {
        path.parent.name for path, r in records.items() if "unlabelled" in r["fingerprint"]
    }
    # the 20k extra images join where the paper lets them: all labels of Cityscapes, students
    assert with_extra
    assert all(name.startswith("cityscapes-100pct-") for name in with_extra)
    assert not any("-supervised-" in name for name in with_extra)


def test_every_backbones_family_and_every_objective_is_trained(paper: Path) -> None:
    settings = configs(paper)
    assert {s["model"]["backbone"] for s in settings} == FAMILIES
    assert {s["model"]["architecture"] for s in settings} == {"mask2former", "mask-rcnn", "eomt"}
    assert {s["model"]["freeze_backbone"] for s in settings} == {False, True}
    paths = (paper / "runs-smoke").glob("*/config.yaml")
    objectives = {yaml.safe_load(path.read_text())["objective"] for path in paths}
    assert objectives == {"supervised", "guided", "self-distilled"}


def test_scores_are_those_of_each_data_set(paper: Path) -> None:
    for path in (paper / "runs-smoke").glob("c*/scores/*.json"):
        score = json.loads(path.read_text())
        cityscapes = path.parents[1].name.startswith("cityscapes")
        # Cityscapes has no AP by size; COCO has, and crowds apart from its instances
        assert (score["metrics"]["APs"] is None) == cityscapes, path
        assert (score["images"], score["instances"]) == (4, 16 if cityscapes else 10), path


def test_nobody_says_test_where_there_are_validation_images_alone(paper: Path) -> None:
    logs = [path.read_text() for path in (paper / "runs-smoke").glob("c*/log.txt")]
    assert any("on the validation images: AP " in text for text in logs)
    assert not any("on the test images" in text for text in logs)
