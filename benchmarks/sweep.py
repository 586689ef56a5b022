"""CPU-seconds and memory of the commands on a grid of 10,000 cells: plan, status, collect.

python benchmarks/sweep.py [--cells N] [--rows] [--repeats N]

The plan is of a grid that nothing has begun of, status and collect of one whose runs have all
ended. That store is made by hand (tests/filled.py), with 10 scorings a run. Each command is a
process of its own, as people start it; its output goes nowhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Row, Spread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import filled  # noqa: E402

MOST_MEMORY = 300.0
"""MiB that each command may take."""
SECONDS = {"plan": 2.0, "status": 4.0, "collect": 8.0}
"""CPU-seconds that each command may take of 10,000 cells."""

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
"""A grid of 250 cells a seed."""


def main() -> None:
    """Fill a store, then run the commands in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    parser.add_argument("--cells", type=int, default=10_000, help="rounded down to 250s")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = max(asked.cells // 250, 1)
        page = folder / "many.yaml"
        page.write_text(PAGE.format(seeds=", ".join(map(str, range(seeds)))))
        filled.EVALUATIONS = 10
        filled.fill(folder / "runs", [str(page)], lines=1)
        commands = {
            "plan": ["launch.py", "--dry-run", "--cluster", "local", "--store", "none"],
            "status": ["launch.py", "--status", "--cluster", "local", "--store", "runs"],
            "collect": ["collect.py", "--store", "runs", "--out", "results"],
        }
        taken: dict[str, list[tuple[float, float]]] = {command: [] for command in commands}
        for _ in range(asked.repeats):
            for command, (program, *options) in commands.items():
                taken[command].append(cost([str(ROOT / program), page.name, *options], folder))
    cells = 250 * seeds
    for command, pairs in taken.items():
        seconds, memory = (Spread.of(values) for values in zip(*pairs, strict=True))
        work = f"{command} of {cells:,} cells"
        if asked.rows:
            goal = SECONDS[command] * cells / 10_000
            Row(work=work, unit="CPU-seconds", ours=seconds, goal=goal).print()
            Row(work=f"{work}, memory", unit="MiB", ours=memory, goal=MOST_MEMORY).print()
            continue
        spread = f"{seconds.least:.2f} / {seconds.median:.2f} / {seconds.greatest:.2f} CPU-seconds"
        print(f"{work}: {spread}, {memory.median:.0f} MiB")


def cost(words: list[str], folder: Path) -> tuple[float, float]:
    """CPU-seconds and most resident MiB of one command. Raises RuntimeError where it fails."""
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=nothing)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
