"""Small grid files, written where a test runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gdsweep.grid import Grid, load_grid

Load = Callable[..., Grid]

PAGE = """title: T
axes:
  dataset: [shapes]
  labels: [5]
  method: [supervised, guided]
settings:
  schedule: {iterations: 100}
  distillation: {burn_in: 50}
"""
"""A page that is right; line numbers in the tests count on it."""


@pytest.fixture
def page() -> str:
    """A page that is right."""
    return PAGE


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write a grid file `g.yaml` in an empty working directory, and load it."""
    monkeypatch.chdir(tmp_path)

    def write_and_load(text: str | bytes, smoke: bool = False) -> Grid:
        Path("g.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_grid("g.yaml", smoke=tmp_path / "data" if smoke else None)

    return write_and_load
