"""CPU-seconds of `collect.py` for all seven grids of the paper, every run finished.

python benchmarks/collect.py [--rows] [--repeats N]

The store is made by hand (tests/filled.py): 40 scorings a run and 40 lines of loss between two of
them. Each collection is a process of its own that writes into an empty folder: what is drawn
already would not be drawn again.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Row, Spread, in_turn

ROOT = Path(__file__).parents[1]
GRIDS = ("table3", "table4", "table5", "table6", "table7", "figure1", "figure6")


def main() -> None:
    """Collect with and without the page, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "tests" / "filled.py", folder, *GRIDS], check=True)
        works = {
            "all seven grids of the paper collected": lambda: collect(Path(folder)),
            "all seven grids of the paper collected, with their pages": lambda: collect(
                Path(folder), "--html"
            ),
        }
        times = in_turn(works, asked.repeats, children)
        pages = [path.stat().st_size for path in Path(folder, "results").glob("*.html")]
    for (work, taken), goal in zip(times.items(), (10.0, 20.0), strict=True):
        spread = Spread.of(taken)
        size = f"pages of {min(pages) / 1e6:.2f} to {max(pages) / 1e6:.2f} MB"
        if asked.rows:
            note = size if "pages" in work else ""
            Row(work=work, unit="CPU-seconds", ours=spread, goal=goal, note=note).print()
        else:
            print(f"{work}: {spread.median:.1f} CPU-seconds ({goal:g} at most), {size}")


def collect(folder: Path, *options: str) -> None:
    """One collection into an empty folder."""
    shutil.rmtree(folder / "results", ignore_errors=True)
    command = [sys.executable, ROOT / "collect.py", *GRIDS, *options]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)


def children() -> float:
    """CPU seconds of the processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    main()
