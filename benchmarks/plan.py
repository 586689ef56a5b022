"""Seconds from a page of YAML to a graph of runs, for 10,000 cells on one core.

python benchmarks/plan.py [CELLS]
"""

import sys
import tempfile
import time
from pathlib import Path

from gdsweep.grid import build_graph, load_grid

PAGE = """
title: Many cells
datasets: {{b: {{format: shapes, world: 1}}, c: {{format: shapes, world: 2}},
           d: {{format: shapes, world: 3}}, e: {{format: shapes, world: 4}}}}
axes:
  dataset: [shapes, b, c, d, e]
  labels: [0.4, 1, 2, 5, 10, 20, 30, 40, 50, 100]
  method: [supervised, guided, fixed-teacher, standard-burn-in, no-burn-in]
  seed: [{seeds}]
settings:
  schedule: {{iterations: 6000}}
  distillation: {{burn_in: {{by: dataset, shapes: 900, b: 800, c: 700, d: 600, e: 500}}}}
rules:
  - {{when: {{method: guided, labels: [5, 10]}}, set: {{lambda_u: 1}}}}
  - {{when: {{method: supervised}}, set: {{resources: {{gpus: 4}}}}}}
"""


def main(cells: int = 10_000) -> None:
    """Load, resolve, build; print seconds and sizes."""
    seeds = ", ".join(map(str, range(max(cells // 250, 1))))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "many.yaml"
        page.write_text(PAGE.format(seeds=seeds))
        start = time.perf_counter()
        grid = load_grid(page)
        loaded = time.perf_counter()
        graph = build_graph(grid.cells)
        built = time.perf_counter()
    print(f"{len(grid.cells)} cells, {len(graph.runs)} runs")
    print(f"load_grid {loaded - start:.2f} s, build_graph {built - loaded:.2f} s")
    print(f"torch imported: {'torch' in sys.modules}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
