"""Whole grids: the shipped ones, and very many cells."""

import resource
import subprocess
import sys
from pathlib import Path

from gdsweep.grid import build_graph, load_grid
from gdsweep.runs import Store, Wanted, read_config

ROOT = Path(__file__).resolve().parents[2]

MANY = """title: T
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
"""

PLAN = """
import sys
from gdsweep.grid import build_graph, load_grid
graph = build_graph(load_grid(sys.argv[1]).cells)
heavy = {"torch", "pandas", "numpy", "matplotlib", "timm"} & set(sys.modules)
print(len(graph.results), len(graph.runs), sorted(heavy))
"""


def test_every_shipped_grid_loads() -> None:
    for path in sorted((ROOT / "grids").glob("*.yaml")):
        for smoke in (None, Path("data")):
            grid = load_grid(path, smoke=smoke)
            assert grid.name == path.stem
            assert len(build_graph(grid.cells).results) == len(grid.cells) > 0


def test_the_demo_trains_nothing_twice() -> None:
    grid = load_grid(ROOT / "grids" / "demo.yaml")
    graph = build_graph(grid.cells)
    methods = {cell.settings.method: run for cell, run, _ in graph.results}
    teachers = {run.config.teacher.run for run in graph.runs.values() if run.config.teacher}
    assert methods["supervised"] in teachers
    assert graph.iterations < graph.iterations_unshared


def test_ten_thousand_cells_in_seconds_without_torch(tmp_path: Path) -> None:
    page = tmp_path / "many.yaml"
    page.write_text(MANY.format(seeds=", ".join(map(str, range(40)))))
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = subprocess.run(
        [sys.executable, "-c", PLAN, str(page)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    assert found.stdout.split() == ["10000", "10400", "[]"]
    assert found.stderr == ""
    # 2.5 s on an idle core: room for a slow machine, not for a slow algorithm
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start < 20


def test_a_run_directory_holds_its_configuration(tmp_path: Path) -> None:
    grid = load_grid(ROOT / "grids" / "demo.yaml")
    graph = build_graph(grid.cells)
    store = Store(tmp_path)
    for name, run in graph.runs.items():
        directory = store.create(run.config, run.identity)
        assert directory.name == name
        assert read_config(directory) == run.config
        assert store.want(directory, graph.wanted[name]) == graph.wanted[name]
    again = Wanted(stop=1)
    assert store.want(directory, again).stop == graph.wanted[name].stop
