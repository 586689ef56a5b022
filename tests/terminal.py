"""What a terminal of 80 and of 160 columns shows of a sweep on its way: pictures for documents.

`python tests/terminal.py FOLDER [plan] [launch] [status] [table]` draws what is named, or all, of
Figure 1's grid as PNG. The store is filled by hand (`filled`), its numbers are no results; what is
drawn is drawn by the commands' own code. It needs chromium and ImageMagick.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from filled import fill
from rich.console import Console
from rich.text import Text

from gdsweep.cluster.local.progress import Progress
from gdsweep.grid import Graph, Grid, graph_of
from gdsweep.plan.outlook import outlook
from gdsweep.plan.plan import Plan
from gdsweep.plan.plan_text import print_plan
from gdsweep.plan.planning import make_plan
from gdsweep.plan.status import read_status
from gdsweep.plan.status_text import status_text
from gdsweep.report import as_text, build_table, results
from gdsweep.runs import Store, lock
from gdsweep.runs.activity import Scoring, tell_scoring

WIDTHS = (80, 160)
SCORED, TRAINED, FAILED = 2, 4, 10
"""Places of runs that are not done."""
NEW = (5, 11)
"""Those that wait for the last two."""


@contextlib.contextmanager
def sweep() -> Iterator[tuple[Grid, Graph, Store]]:
    """Figure 1's grid and a store in which one run is scored, one trained, one failed."""
    store = Store("runs")
    (grid,) = fill(store.root, ["figure1"], lines=2)
    graph = graph_of([grid])
    runs = [store.run(name) for name in graph.runs]
    for run in (runs[place] for place in (SCORED, TRAINED, FAILED)):
        shutil.rmtree(run.path / "scores", ignore_errors=True)
        for file in (run.done, run.best, *map(run.state, run.states())):
            file.unlink()
        failed = run is runs[FAILED]
        attempt = json.loads(run.attempt(1).read_text())
        attempt |= {"started": time.time() - 9000.0, "ended": time.time() if failed else None}
        attempt |= {"outcome": "failed" if failed else None}
        attempt |= {"cause": "nan", "message": "the loss is nan"} if failed else {}
        run.attempt(1).write_text(json.dumps(attempt))
        if run is not runs[SCORED]:
            lines = run.metrics.read_text().splitlines(keepends=True)
            run.metrics.write_text("".join(lines[: len(lines) // 3]))
    for place in NEW:
        shutil.rmtree(runs[place].path)
    tell_scoring(runs[SCORED], Scoring(images="val", done=1240, of=5000))
    with lock.hold(runs[SCORED].lock), lock.hold(runs[TRAINED].lock):
        yield grid, graph, store


def screen(width: int) -> Console:
    """A terminal of this width that remembers what is printed."""
    return Console(
        width=width, height=40, file=io.StringIO(), record=True, force_terminal=True,
        highlight=False, markup=False,
    )  # fmt: skip


def screens(grid: Grid, graph: Graph, store: Store, width: int) -> dict[str, Console]:
    """What the commands print, by its name."""
    plan = make_plan(graph, store)
    shown = {name: screen(width) for name in ("plan", "launch", "status", "table")}
    print_plan(plan, shown["plan"], outlook(plan, plan.todo()))
    _bars(plan, store, shown["launch"])
    status = read_status([grid], graph, store, {}, lambda runs: {})
    shown["status"].print(status_text(status, asked=True))
    table = build_table(results(graph, grid, store), grid, "python collect.py figure1")
    shown["table"].print(Text(as_text(table, width)), soft_wrap=True)
    return shown


def _bars(plan: Plan, store: Store, console: Console) -> None:
    live = screen(console.width)
    with Progress(plan, store, live) as progress:
        progress.update([run for run in plan.runs.values() if run.status == "running"], 2)
        assert progress.bars is not None
        console.print(progress.bars.get_renderable())


def photograph(console: Console, picture: Path, folder: Path) -> None:
    """A PNG of what was printed."""
    page, shot = folder / "page.svg", folder / "shot.png"
    content = console.export_svg(title=f"{console.width} columns")
    page.write_text(content)
    sides = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', content)[0]
    width, height = (round(float(side)) for side in sides)
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    size = f"--window-size={width},{height}"
    browser = ["chromium", *options, size, f"--screenshot={shot}", f"file://{page}"]
    subprocess.run(browser, check=True, capture_output=True, cwd=folder)
    subprocess.run(["convert", shot, "-strip", "-colors", "24", picture], check=True)


def main(target: Path, names: Sequence[str]) -> None:
    """Write the pictures of some screens, or of all, to a folder."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)  # paths on the screens are as a user has them: runs/NAME
        with sweep() as (grid, graph, store):
            for width in WIDTHS:
                for name, console in screens(grid, graph, store, width).items():
                    if name in names or not names:
                        photograph(console, target / f"{name}-{width}.png", Path(place))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
