import re
from pathlib import Path

import pytest

from gdsweep.grid import read_published

ROOT = Path(__file__).resolve().parents[2]
TABLE_3 = ROOT / "grids" / "paper" / "table3.yaml"
PAPER = ROOT.parent / "shared" / "paper.txt"


def test_table_3_is_typed() -> None:
    values = read_published(TABLE_3)
    assert len(values) == 25 + 29 + 25 + 28
    (one,) = [
        v for v in values if v.table == "3c" and v.row == "Ours - R50 (IN-1k)" and v.value == 30.8
    ]
    assert one.axes == {
        "dataset": "cityscapes",
        "labels": 10,
        "method": "guided",
        "backbone": "resnet50",
    }
    assert (one.column, one.quoted) == ("10 %", False)
    assert "WACV 2024" in one.source
    assert {v.row.split(" - ")[0] for v in values if v.quoted} == {
        "Mask-RCNN",
        "CenterMask2",
        "Noisy Boundaries",
        "DD",
        "Polite Teacher",
    }


def test_table_3_is_the_papers() -> None:
    if not PAPER.exists():
        pytest.skip(f"the paper's text is not at {PAPER}")
    printed = tables(PAPER.read_text())
    ours: dict[str, dict[str, list[float]]] = {}
    columns: dict[str, list[str]] = {}
    for value in read_published(TABLE_3):
        ours.setdefault(value.table, {}).setdefault(value.row, []).append(value.value)
        heads = columns.setdefault(value.table, [])
        if value.column not in heads:
            heads.append(value.column)
    assert {name: rows for name, (_, rows) in printed.items()} == ours
    assert {name: heads for name, (heads, _) in printed.items()} == columns


def tables(text: str) -> dict[str, tuple[list[str], dict[str, list[float]]]]:
    """Tables 3a to 3d of the paper: column heads, and numbers (dashes left out) by row."""
    found = {}
    blocks = re.split(r"\n(?=Amount of labeled data used)", text)[1:]
    for block in blocks:
        letter = re.search(r"^\(([a-d])\) ", block, re.MULTILINE)
        assert letter is not None
        lines = [line for line in block[: letter.start()].splitlines() if "\t" in line]
        heads = [head.replace("%", " %") for head in lines[0].split("\t")[1:]]
        rows = {}
        for line in lines[1:]:
            name, *numbers = re.sub(r"</?b>", "", line).split("\t")
            rows[name] = [float(number) for number in numbers if number != "—"]
        found[f"3{letter[1]}"] = heads, rows
    return found


def test_values_find_their_cells(load) -> None:
    page = """title: T
axes:
  dataset: [coco]
  labels: [1, 2, 30]
  method: [supervised, guided]
published: p.yaml
"""
    Path("p.yaml").write_text(TABLE_3.read_text())
    grid = load(page)
    known = grid.published_values()
    found = {tuple(c.axes.values())[1:]: known.get(place) for place, c in enumerate(grid.cells)}
    # the backbone is no axis here, but every cell has one: resnet50 unless told otherwise
    assert {key: value and value.value for key, value in found.items()} == {
        (1, "supervised"): 13.5,
        (1, "guided"): 21.5,
        (2, "supervised"): 20.0,
        (2, "guided"): 25.3,
        (30, "supervised"): None,
        (30, "guided"): None,
    }
    other = load(f"{page}settings: {{backbone: swin-large}}\n")
    assert [other.published_values()[place].value for place in (0, 1)] == [22.3, 34.0]
    small = load(f"{page}settings: {{backbone: resnet18}}\n")
    assert small.published_values() == {}
