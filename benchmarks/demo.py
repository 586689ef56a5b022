"""The demo from nothing to its table, both commands: `make demo` without the installation.

    python benchmarks/demo.py

Wall time, in a store of its own. The goal is for two idle cores: with other work on the machine a
number would say nothing, so `--rows` then prints that it was not measured.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import Row, Spread, other_work

ROOT = Path(__file__).resolve().parents[1]
GOAL = 4.0
"""Minutes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    options = parser.parse_args()
    note = other_work() if options.rows else ""
    spent = None if note else minutes()
    row = Row(
        "the demo, both commands, idle 2 cores",
        "minutes",
        None if spent is None else Spread.of([spent]),
        device=f"CPU, {os.cpu_count()} cores",
        goal=GOAL,
        note=note,
    )
    if options.rows:
        row.print()
    else:
        print(f"{row.work}: {spent:.1f} minutes, the goal is {GOAL:g}")


def minutes() -> float:
    """How long training and collecting take."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        for program, *more in (("launch.py", "--cluster", "local", "--yes"), ("collect.py",)):
            asked = [sys.executable, str(ROOT / program), "grids/demo.yaml", *more]
            asked += ["--store", str(Path(folder) / "runs")]
            subprocess.run(asked, cwd=ROOT, check=True, stdout=sys.stderr)
        return (time.perf_counter() - start) / 60


if __name__ == "__main__":
    main()
