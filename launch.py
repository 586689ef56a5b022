"""Train what the tables of some grids still lack: `python launch.py grids/demo.yaml`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gdsweep.errors import BAD_INPUT, DONE, BadInput

EPILOG = """\
Launching again trains only what is missing; runs are shared between grids and launches.
Ctrl-C saves every run and stops; the next launch continues. Exit codes: 0 fine,
1 something failed, 2 bad input, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="launch.py",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("grids", nargs="*", type=Path, metavar="GRID", help="a grid's YAML file")
    p.add_argument("--dry-run", action="store_true", help="show the plan, write nothing")
    p.add_argument("--jobs", type=int, metavar="N", help="runs at once (default: what fits)")
    p.add_argument("--store", type=Path, metavar="DIR", help="folder of all runs (default: runs)")
    p.add_argument("--yes", action="store_true", help="start without asking")
    p.add_argument("--retry", action="store_true", help="start failed runs again")
    p.add_argument("--smoke", action="store_true", help="the grids in miniature, in runs-smoke")
    p.add_argument("--json", action="store_true", help="print the plan or the final state as JSON")
    p.add_argument("--why", nargs=2, metavar="RUN", help="tell which settings make two runs differ")
    p.add_argument("--cluster", choices=["local"], help="who executes (default: chosen)")
    return p


def main(arguments: Sequence[str] | None = None, trainer: Sequence[str] | None = None) -> int:
    """Launch; returns the exit code. `trainer` replaces the trainer's command."""
    command = parser()
    asked = command.parse_args(arguments)
    if not asked.grids and not asked.why:
        command.error("name a grid, such as grids/demo.yaml")
    if asked.jobs is not None and asked.jobs < 1:
        command.error(f"--jobs: {asked.jobs} is not 1 or more")

    from rich.console import Console  # after parsing: --help is instant

    from gdsweep.cluster import Options, differences, launch
    from gdsweep.cluster.job import TRAINER
    from gdsweep.runs import Store

    options = Options(
        asked.store, asked.dry_run, asked.jobs, asked.yes, asked.retry, asked.smoke, asked.cluster
    )
    console = Console(stderr=asked.json, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no edge to wrap at
    try:
        if asked.why:
            first, second = asked.why
            store = Store(options.folder)
            print(*differences(first, second, store, asked.grids, asked.smoke), sep="\n")
            return DONE
        code, plan, outcome = launch(asked.grids, options, console, trainer=trainer or TRAINER)
    except (BadInput, OSError) as error:
        print(f"launch.py: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("stopped; launch again to continue", file=sys.stderr)
        return 130
    if asked.json:
        print(json.dumps({**plan.to_json(), "failed_now": outcome.failed}, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
