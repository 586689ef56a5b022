"""Stores made by hand: real grids and real records, without any training."""

import json
import math
from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.grid import Cell, Graph, Grid, build_graph, load_grid
from gdsweep.runs import Attempt, RunDir, Score, ScoreRef, Store
from gdsweep.runs.causes import loss_not_finite

GRID = """
title: Label efficiency on COCO
axes:
  dataset: [coco]
  labels: [1, 10]
  method: [supervised, guided]
  seed: [0, 1, 2]
settings:
  backbone: resnet50
  schedule: {iterations: 1000}
  distillation: {burn_in: 400}
  evaluation: {period: 100}
table:
  rows: [method]
  columns: [dataset, labels]
  names:
    dataset: {coco: COCO}
    method: {supervised: Mask2Former, guided: Ours_100%}
figure: {x: labels, lines: method}
published: paper/table.yaml
"""

PUBLISHED = """
source: a paper
tables:
  3b:
    axes: {dataset: coco, backbone: resnet50}
    columns: {labels: [1, 10]}
    rows:
      - {row: "Mask2Former - R50", axes: {method: supervised}, AP: [13.5, 30.5]}
  3d:
    axes: {dataset: coco, backbone: resnet50}
    columns: {labels: [1, 10]}
    rows:
      - {row: "Polite Teacher - R50 [9]", quoted: true, AP: [18.3, null]}
      - {row: "Ours - R50", axes: {method: guided}, AP: [21.5, 35.0]}
orderings:
  - {axis: method, best_first: [guided, supervised], says: sec. 4.2}
"""


class Bench:
    """A grid, its graph and a store in the working directory, with hands to fill the store."""

    GRID, PUBLISHED = GRID, PUBLISHED

    def __init__(self, text: str = GRID, published: str = PUBLISHED, name: str = "grid") -> None:
        Path("grids/paper").mkdir(parents=True, exist_ok=True)
        self.path = Path("grids") / f"{name}.yaml"
        self.path.write_text(text)
        Path("grids/paper/table.yaml").write_text(published)
        Path("runs").mkdir(exist_ok=True)
        self.store = Store("runs")
        self.grid: Grid = load_grid(self.path)
        self.graph: Graph = build_graph(self.grid.cells)

    def find(self, **axes: object) -> tuple[Cell, RunDir, ScoreRef]:
        """The one cell with these axis values, its run's directory and its score."""
        found = [
            (cell, self.make(name), ref)
            for cell, name, ref in self.graph.results
            if all(cell.axes[axis] == value for axis, value in axes.items())
        ]
        assert len(found) == 1, axes
        return found[0]

    def chain(self, **axes: object) -> list[RunDir]:
        """Directories of the runs the cell needs, parents first."""
        cell, _, _ = self.find(**axes)
        return [self.make(piece.run) for piece in self.graph.chain(cell)]

    def make(self, name: str) -> RunDir:
        """A run's directory with what launch writes into it."""
        trajectory = self.graph.runs[name]
        run = self.store.create(trajectory.config, trajectory.identity)
        self.store.want(run, self.graph.wanted[name])
        return run

    def score(self, ap: float, iteration: int, **axes: object) -> RunDir:
        """A finished cell."""
        _, run, ref = self.find(**axes)
        metrics = {"AP": ap, "AP50": 2 * ap, "AP75": ap, "APs": float("nan"), "APm": ap, "APl": ap}
        score = Score(
            ref=ref, iteration=iteration, metrics=metrics, images=500, instances=900,
            predictions=None,
        )  # fmt: skip
        atomic.write_json(run.score(ref), score.model_dump(mode="json"))
        self.state(run, 1000)
        return run

    def state(self, run: RunDir, iteration: int) -> None:
        """A complete state on disk."""
        run.state(iteration).touch()

    def attempt(self, run: RunDir, outcome: str | None = None, **record: object) -> None:
        """A process that advanced the run."""
        attempt = Attempt(number=1, started=0.0, outcome=outcome, **record)
        atomic.write_json(run.attempt(1), attempt.model_dump(mode="json"))

    def metrics(self, run: RunDir, lines: list[dict[str, float]]) -> None:
        """Lines of metrics.json."""
        run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty store for GRID, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    return Bench()


@pytest.fixture
def new_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Bench]:
    """For grids other than GRID."""
    monkeypatch.chdir(tmp_path)
    return Bench


@pytest.fixture
def partial(bench: Bench) -> Bench:
    """Most kinds of cells at once: done, failed, blocked, running, interrupted, missing."""
    for seed, ap, at in ((0, 12.0, 900), (1, 14.0, 800), (2, 16.0, 1000)):
        bench.score(ap, at, labels=1, method="supervised", seed=seed)
        teacher = bench.chain(labels=1, method="supervised", seed=seed)[-1]
        teacher.best.write_text("{}")
    for seed, ap in ((0, 30.0), (1, 31.0)):
        run = bench.score(ap, 1000, labels=10, method="supervised", seed=seed)
        run.best.write_text("{}")
    _, failed, _ = bench.find(labels=10, method="supervised", seed=2)
    bench.state(failed, 500)
    bench.attempt(
        failed, "failed", cause="nan", log="log.txt:123",
        message=str(loss_not_finite(math.nan, ["a_1.jpg", "b_2.jpg"])),
    )  # fmt: skip
    bench.score(21.0, 700, labels=1, method="guided", seed=0)
    bench.score(23.0, 1000, labels=1, method="guided", seed=1)
    guided = bench.chain(labels=1, method="guided", seed=2)
    bench.state(guided[1], 400)
    bench.attempt(guided[2], "stopped")
    bench.state(guided[2], 600)
    guided = bench.chain(labels=10, method="guided", seed=0)
    bench.attempt(guided[1], "stopped")
    bench.state(guided[1], 300)
    return bench
