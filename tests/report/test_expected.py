"""Whole outputs against files in expected/.

After a wanted change: `REGENERATE=1 pytest tests/report/test_expected.py`, then read the diff.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gdsweep.report import (
    as_csv,
    as_latex,
    as_markdown,
    as_notes,
    as_text,
    build_table,
    results,
)

EXPECTED = Path(__file__).parent / "expected"
COMMAND = "python collect.py grids/grid.yaml --store a_b"

RENDER: dict[str, Callable[[Any, Any], str]] = {
    "partial.txt": lambda frame, grid: as_text(build_table(frame, grid, COMMAND)),
    "partial.md": lambda frame, grid: as_markdown(build_table(frame, grid, COMMAND)),
    "partial.tex": lambda frame, grid: as_latex(build_table(frame, grid, COMMAND)),
    "partial-notes.txt": lambda frame, grid: as_notes(build_table(frame, grid, COMMAND)),
    "partial.csv": lambda frame, grid: as_csv(frame, COMMAND),
}


@pytest.mark.parametrize("name", RENDER)
def test_output_is_as_expected(partial: Any, name: str) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    # an identity's hash changes with any new setting: it is not what is looked at here
    text = re.sub(r"-(s\d)-[0-9a-f]{8}\b", r"-\1-01234567", RENDER[name](frame, partial.grid))
    path = EXPECTED / name
    if os.environ.get("REGENERATE"):
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; see this file's docstring"
