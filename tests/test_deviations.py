"""docs/deviations.md says what the shipped data sets and backbones resolve to."""

import re
from pathlib import Path
from typing import Any

import pytest

from gdsweep.grid import Cell, Grid, load_grid

DOCUMENT = Path(__file__).parents[1] / "docs" / "deviations.md"
COLUMNS = ["what", "where", "ours", "paper", "public code", "AP", "to have the other"]
WHERE: dict[str, dict[str, set[Any]]] = {
    "all": {},
    "COCO": {"dataset": {"coco"}},
    "Cityscapes": {"dataset": {"cityscapes"}},
    "students": {"method": {"guided"}},
    "Swin-L": {"backbone": {"swin-large"}},
    "Swin-L on COCO": {"backbone": {"swin-large"}, "dataset": {"coco"}},
    "DINOv2": {"backbone": {"dinov2-base", "dinov2-large"}},
    "DeiT": {"backbone": {"deit-base"}},
}
"""Which cells a line is about, by its second column."""

PAGE = """\
title: Everything that is published for Mask2Former
axes:
  dataset: [coco, cityscapes]
  labels: {by: dataset, coco: [1, 2, 5, 10, 100], cityscapes: [5, 10, 20, 30, 100]}
  backbone: [resnet50, swin-base-in1k, swin-large, dinov2-base, dinov2-large, deit-base]
  method: [supervised, guided]
"""


def lines() -> list[dict[str, str]]:
    """The rows of the document's tables."""
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if cells and cells != COLUMNS and set("".join(cells)) != {"-"}:
            assert len(cells) == len(COLUMNS), line
            found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


LINES = lines()
CLAIMS = [
    (line["where"], name, value)
    for line in LINES
    for name, value in re.findall(r"`([a-z]\w*(?:\.\w+)+): ([^`]+)`", line["ours"])
]
OTHERS = sorted({span for line in LINES for span in re.findall(r"`(\{.*?\})`", line[COLUMNS[-1]])})


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    path = tmp_path_factory.mktemp("grid") / "page.yaml"
    path.write_text(PAGE)
    return load_grid(path)


def about(grid: Grid, where: str) -> list[Cell]:
    return [cell for cell in grid.cells if all(cell.axes[a] in v for a, v in WHERE[where].items())]


def value_of(cell: Cell, name: str) -> Any:
    found: Any = cell.settings
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_the_tables_are_read() -> None:
    assert len(LINES) > 25
    assert {line["where"] for line in LINES} <= WHERE.keys()
    assert {line["AP"].split(":")[0] for line in LINES} <= {"yes", "little", "no", "open"}
    assert len(CLAIMS) > 20


@pytest.mark.parametrize(("where", "name", "value"), CLAIMS)
def test_ours_is_what_the_presets_resolve_to(grid: Grid, where: str, name: str, value: str) -> None:
    cells = about(grid, where)
    assert cells
    assert {str(value_of(cell, name)).lower() for cell in cells} == {value}


def test_settings_that_differ_between_data_sets_are_said_of_both(grid: Grid) -> None:
    """What only one data set's preset decides is not told as if it were everybody's."""
    told = {name for where, name, _ in CLAIMS if where in ("COCO", "Cityscapes")}
    for name in told:
        assert len({str(value_of(cell, name)) for cell in grid.cells}) > 1, name


@pytest.mark.parametrize("other", OTHERS)
def test_the_other_can_be_had(tmp_path: Path, other: str) -> None:
    """A grid takes the settings as they stand there, and they change something."""
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "perc_5.txt").write_text("aachen_000000_000019_gtFine_instanceIds.png\n")
    text = PAGE.replace(", 100]", "]")
    (tmp_path / "before.yaml").write_text(text)
    (tmp_path / "after.yaml").write_text(text + f"settings: {other}\n")
    before, after = (load_grid(tmp_path / f"{name}.yaml").cells for name in ("before", "after"))
    assert any(old.settings != new.settings for old, new in zip(before, after, strict=True))
