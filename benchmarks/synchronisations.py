"""How often a step makes the CPU wait for its device, and the processes meet.

    python benchmarks/synchronisations.py

Counted on a simulated device (tests/simulated_device.py), batch 1 on every process; the same
numbers on every machine. tests/train/test_synchronisations.py holds the goals.
"""

import argparse
import sys
from pathlib import Path

from rows import Row, Spread

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "train")]

from test_synchronisations import counted  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    options = parser.parse_args()
    for world in (1, 8):
        for taught, goal in ((False, 2.0), (True, 3.0)):
            kind = "semi-supervised" if taught else "supervised"
            counts, calls = counted(world, taught)
            row = Row(
                f"{kind} step, {world} process{'es' * (world > 1)}, batch 1 on each",
                "synchronisations",
                Spread.of([float(sum(counts.waits.values()))]),
                device="simulated",
                goal=goal,
                parts={where: float(count) for where, count in counts.waits.items()},
                note=f"all-reduces besides DistributedDataParallel's: {len(calls)}",
            )
            if options.rows:
                row.print()
            else:
                print(f"{row.work}: {row.value:g}; {row.note}")


if __name__ == "__main__":
    main()
