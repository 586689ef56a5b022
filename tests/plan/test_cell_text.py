"""A cell's settings as text and as plain values."""

import json
from itertools import pairwise
from pathlib import Path

from gdsweep.grid import load_grid
from gdsweep.plan.cell_text import cell_json, cell_text

GRID = Path(__file__).resolve().parents[2] / "grids" / "shapes.yaml"


def test_text_and_plain_values_say_the_same() -> None:
    grid = load_grid(GRID)
    guided = next(cell for cell in grid.cells if cell.settings.method == "guided")
    text, values = cell_text(grid, guided), cell_json(grid, guided)
    assert json.loads(json.dumps(values)) == values
    for entry in values["settings"]:
        (line,) = (line for line in text.splitlines() if line.split()[:1] == [entry["name"]])
        assert entry["where"] in line
        assert entry["source"] in line
    assert all(f"  {run}, " in text for run in values["runs"])


def test_the_teachers_value_stands_below_the_cells_own() -> None:
    grid = load_grid(GRID)
    guided = next(cell for cell in grid.cells if cell.settings.method == "guided")
    lines = cell_text(grid, guided).splitlines()
    below = {line.split()[0]: after for line, after in pairwise(lines)}
    assert below["schedule.iterations"].split() == ["3750", "in", "its", "teacher"]
