"""The runs and scores of every shipped grid are the ones of identities.txt: names are for ever.

After a wanted change: `REGENERATE=1 pytest tests/grid/test_identities.py`, then read the diff. A
run whose line changes is trained anew by everybody who has it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from gdsweep.grid import Grid, graph_of, load_grid

EXPECTED = Path(__file__).with_name("identities.txt")
GRIDS = sorted((Path(__file__).parents[2] / "grids").glob("*.yaml"))


def described(grid: Grid) -> Iterator[str]:
    """A grid's runs with their identities' digests, then its cells with what answers them."""
    graph = graph_of([grid])
    yield f"{grid.name}: {len(graph.runs)} runs, {len(graph.results)} cells"
    for name, run in graph.runs.items():
        text = json.dumps(run.identity, sort_keys=True)
        yield f"run {name} {hashlib.sha256(text.encode()).hexdigest()[:32]}"
    for cell, name, score in graph.results:
        yield f"cell {cell.label}: {name} {score.key}"


def test_identities_are_as_they_were() -> None:
    text = "\n".join(line for path in GRIDS for line in described(load_grid(path))) + "\n"
    if os.environ.get("REGENERATE"):
        EXPECTED.write_text(text, encoding="utf-8")
    assert text == EXPECTED.read_text(encoding="utf-8"), f"{EXPECTED} differs; see the docstring"
