"""Stores as they are when every run of some grids has ended, made by hand without any training.

As a command: `python tests/filled.py FOLDER GRID...` fills the store FOLDER/runs.
"""

import json
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gdsweep import atomic
from gdsweep.config import METRICS
from gdsweep.grid import Cell, Graph, Grid, graph_of, load_grid
from gdsweep.grid.shipped import existing_grid, grid_path
from gdsweep.runs import Attempt, Complexity, RunDir, Score, ScoreRef, Store

EVALUATIONS = 40
"""Times that a run scores the validation images, and lines of loss between two of them."""


def fill(root: Path, names: Sequence[str], lines: int = EVALUATIONS) -> list[Grid]:
    """Finish every run of the named grids in the store `root`; returns the grids.

    Scores lie within a point of the published values, by a fixed seed. `lines` is how many lines
    of loss metrics.json gets between two evaluations.
    """
    grids = [load_grid(existing_grid(grid_path(name))) for name in names]
    graph, store = graph_of(grids), Store(root)
    store.root.mkdir(parents=True, exist_ok=True)
    published = _published(grids)
    for name, trajectory in graph.runs.items():
        run = store.create(trajectory.config, trajectory.identity)
        atomic.write_json(run.wanted, graph.wanted[name].model_dump(mode="json"))
        _train(run, graph, lines)
    for cell, name, ref in graph.results:
        dice = random.Random(name)
        level = published.get(id(cell), 20 + 30 * dice.random()) + dice.gauss(0, 0.5)
        _score(store.run(name), cell, ref, level, graph)
    return grids


def _published(grids: Sequence[Grid]) -> dict[int, float]:
    """Published values by the identity of their cell's object."""
    return {
        id(grid.cells[place]): value.value
        for grid in grids
        for metric in grid.table.metrics
        for place, value in grid.published_values(metric).items()
    }


def _train(run: RunDir, graph: Graph, lines: int) -> None:
    """Metrics, an attempt, states and the best weights of one run."""
    trajectory, wanted = graph.runs[run.name], graph.wanted[run.name]
    settings = trajectory.config.settings
    first, last = trajectory.start, max(wanted.stop, trajectory.start)
    dice = random.Random(run.name)
    level, written = 20 + 25 * dice.random(), []
    step = max((last - first) // EVALUATIONS, 1)
    for at in range(first + step, last + 1, step):
        share = (at - first) / max(last - first, 1)
        for line in range(lines):
            loss = 60 * math.exp(-3 * share) + 15 + dice.gauss(0, 1)
            place = at - step + (line + 1) * step // (lines + 1)
            written.append({"iteration": place, "total_loss": loss, "time": 0.4})
        ap = level * (1 - math.exp(-4 * share)) + dice.gauss(0, 0.2)
        scored = {"iteration": at, "segm/AP": ap, "teacher/segm/AP": ap + dice.gauss(0.4, 0.2)}
        if trajectory.config.teacher is not None or trajectory.config.parent is not None:
            scored["pseudo/per_image"] = 4 + 2 * share + dice.gauss(0, 0.2)
        written.append(scored)
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in written))
    run.log.write_text("nothing was trained here\n")
    process: dict[str, Any] = {
        "host": "node07", "device": "H100", "processes": settings.resources.gpus or 1,
        "torch": "2.10.0", "commit": "0123456789ab", "peak_memory": 30 * 2**30,
    }  # fmt: skip
    attempt = Attempt(
        number=1, started=0.0, ended=0.4 * (last - first), outcome="done", first_iteration=first,
        last_iteration=last, process=process,
    )  # fmt: skip
    atomic.write_json(run.attempt(1), attempt.model_dump(mode="json"))
    size = Complexity(parameters=44_000_000, trainable=44_000_000, flops=229 * 10**9, size=(1, 1))
    atomic.write_json(run.network, size.model_dump(mode="json"))
    for iteration in {*wanted.milestones, wanted.stop}:
        run.state(iteration).touch()
    best = {}
    for network in ("student", "teacher"):
        file = run.weights(network, last)
        file.touch()
        best[network] = {"iteration": last, "AP": level, "file": file.name}
    atomic.write_json(run.best, best)
    atomic.write_json(run.done, {})


def _score(run: RunDir, cell: Cell, ref: ScoreRef, level: float, graph: Graph) -> None:
    keys = [key for key in METRICS if not METRICS[key].on_demand or key in ref.metrics]
    metrics: dict[str, float | None] = {key: round(level + 3 * i, 3) for i, key in enumerate(keys)}
    metrics["AP"] = round(level, 3)
    predictions = run.predictions(ref)
    predictions.write_text("[]")
    score = Score(
        ref=ref, iteration=graph.wanted[run.name].stop, metrics=metrics, images=500, instances=900,
        predictions=str(predictions.relative_to(run.path)),
    )  # fmt: skip
    atomic.write_json(run.score(ref), score.model_dump(mode="json"))


if __name__ == "__main__":
    fill(Path(sys.argv[1]) / "runs", sys.argv[2:])
