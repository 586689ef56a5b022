"""Train what the tables of some grids still lack."""

import argparse
import contextlib
import json
import sys
from typing import TYPE_CHECKING

from gdsweep.commands.request_options import GridParser, add_request_options, request_of
from gdsweep.errors import DONE, BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from gdsweep.cluster import Options
    from gdsweep.plan.request import Request

EPILOG = """\
Launching again trains only what is missing; runs are shared between grids and launches.
Locally, Ctrl-C saves every run and stops; the next launch continues. On a SLURM cluster the
launch submits and ends. A QUERY is words of a cell (`coco 5 % guided`) or of a run's name.
Exit codes: 0 fine, 1 something failed, 2 bad input, 130 interrupted.
"""


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = GridParser(
        prog=program,
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_request_options(p, "grid files, or names: table3")
    p.add_argument("--dry-run", action="store_true", help="show the plan, write nothing")
    p.add_argument("--jobs", type=int, metavar="N", help="runs at once (default: what fits)")
    p.add_argument("--yes", action="store_true", help="start without asking")
    p.add_argument("--retry", action="store_true", help="start failed runs again")
    p.add_argument(
        "--forget-earlier",
        action="store_true",
        help="of the grids' runs, train no more than these grids want",
    )
    p.add_argument("--json", action="store_true", help="print the plan or the final state as JSON")
    p.add_argument("--why", nargs=2, metavar="RUN", help="tell which settings make two runs differ")
    p.add_argument(
        "--cluster",
        metavar="NAME",
        help="who executes: slurm or local (default: SLURM where there is one)",
    )
    look = p.add_argument_group("looking")
    look.add_argument("--status", action="store_true", help="a row per cell: state, ETA, AP, job")
    look.add_argument(
        "--watch",
        nargs="?",
        type=float,
        const=30.0,
        metavar="SECONDS",
        help="the status, again and again (30 seconds or more)",
    )
    look.add_argument(
        "--show", metavar="QUERY", help="all settings of one cell, and what decided each"
    )
    look.add_argument("--logs", metavar="QUERY", help="print a run's log")
    look.add_argument("--follow", action="store_true", help="with --logs: what is added, too")
    look.add_argument("--disk", action="store_true", help="what takes how much room in the store")
    look.add_argument(
        "--free",
        action="append",
        choices=["states", "runs"],
        help="with --disk: remove states of finished runs, or runs that the grids do not want",
    )
    slurm = p.add_argument_group("on a SLURM cluster")
    slurm.add_argument(
        "--profile", metavar="NAME", help="cluster profile (default: $GDSWEEP_CLUSTER, host name)"
    )
    slurm.add_argument("--max-running", type=int, metavar="N", help="jobs at once, at most")
    slurm.add_argument(
        "--cancel", nargs="?", const="", metavar="QUERY", help="cancel the grids' jobs, or some"
    )
    slurm.add_argument(
        "--prune", action="store_true", help="cancel jobs of runs the grids no longer want"
    )
    slurm.add_argument(
        "--avoid-bad-nodes",
        action="store_true",
        help="with --retry: not on nodes that may be why runs failed",
    )
    slurm.add_argument("--doctor", action="store_true", help="check what jobs need of the cluster")
    return p


def main(asked: argparse.Namespace) -> int:
    """Launch, or look at what was launched; returns the exit code."""
    _check(asked)

    from rich.console import Console  # after parsing: --help is instant

    from gdsweep.cluster import Options

    request = request_of(asked, asked.grids)
    options = Options(
        dry_run=asked.dry_run,
        jobs=asked.jobs,
        yes=asked.yes,
        retry=asked.retry,
        cluster=asked.cluster,
        profile=asked.profile,
        max_running=asked.max_running,
        avoid_bad_nodes=asked.avoid_bad_nodes,
        prune=asked.prune,
        forget_earlier=asked.forget_earlier,
    )
    console = Console(stderr=asked.json, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no edge to wrap at
    if asked.disk:
        return _disk(asked, request, options, console)
    if asked.status or asked.watch or asked.logs is not None or asked.cancel is not None:
        return _look(asked, request, options, console)
    try:
        return _launch(asked, request, options, console)
    except KeyboardInterrupt:
        print("stopped; launch again to continue", file=sys.stderr)
        raise


def _disk(
    asked: argparse.Namespace, request: "Request", options: "Options", console: "Console"
) -> int:
    from gdsweep.cluster.executor import open_executor
    from gdsweep.plan.disk import disk_lines, disk_use, free_disk, in_words
    from gdsweep.plan.screen import say

    executor = open_executor(request, options)
    with executor.alone() if asked.free else contextlib.nullcontext(executor.jobs()) as jobs:
        rooms = disk_use(executor.request.graph, executor.store, jobs)
        for line in disk_lines(rooms):
            say(console, line)
        if asked.free:
            freed = free_disk(rooms, asked.free)
            console.print(f"freed {in_words(freed)}; nothing that was delivered is trained again")
    return DONE


def _check(asked: argparse.Namespace) -> None:
    if not asked.grids and not asked.why and not asked.doctor:
        raise BadInput("name a grid, such as grids/demo.yaml")
    for flag, value in (("--jobs", asked.jobs), ("--max-running", asked.max_running)):
        if value is not None and value < 1:
            raise BadInput(f"{flag}: {value} is not 1 or more")
    if asked.free and not asked.disk:
        raise BadInput("--free: it says what to remove with --disk")
    if asked.watch is not None and asked.watch < 30:
        raise BadInput(f"--watch: {asked.watch:g} is not 30 seconds or more; a cluster is shared")


def _launch(
    asked: argparse.Namespace, request: "Request", options: "Options", console: "Console"
) -> int:
    from gdsweep.cluster import launch, open_executor
    from gdsweep.plan.identity import identity_differences

    if asked.why:
        first, second = asked.why
        print(*identity_differences(first, second, request), sep="\n")
        return DONE
    if asked.show is not None:
        return _show(asked, request)
    if asked.doctor:
        return open_executor(request, options).examine(console)
    code, plan, outcome = launch(request, options, console)
    if asked.json:
        ending = {"failed_now": outcome.failed, "submitted": outcome.submitted}
        print(json.dumps({**plan.to_json(), **ending}, indent=1))
    return code


def _show(asked: argparse.Namespace, request: "Request") -> int:
    """All settings of the one cell that the query names, in the first grid that has it."""
    from gdsweep.plan.cell_text import cell_json, cell_text
    from gdsweep.report import find_cell

    words, problem = asked.show.split(), BadInput("name a grid, such as grids/demo.yaml")
    for grid in request.grids:
        try:
            cell = grid.cells[find_cell(grid, words)]
        except BadInput as error:
            problem = error
            continue
        if asked.json:
            print(json.dumps(cell_json(grid, cell), indent=1))
        else:
            print(cell_text(grid, cell), end="")
        return DONE
    raise problem


def _look(
    asked: argparse.Namespace, request: "Request", options: "Options", console: "Console"
) -> int:
    from gdsweep.cluster import open_executor
    from gdsweep.cluster.launched import Launched, cancel, print_log, watch

    launched = Launched(open_executor(request, options))
    if asked.cancel is not None:
        return cancel(launched, asked.cancel, console)
    if asked.logs is not None:
        return print_log(launched, asked.logs, asked.follow, sys.stdout)
    if asked.json:
        print(json.dumps(launched.status()[0].to_json(), indent=1))
        return DONE
    return watch(launched, console, asked.watch)
