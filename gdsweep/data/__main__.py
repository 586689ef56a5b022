"""`python -m gdsweep.data check GRID`: is the data read rightly? See before paying."""

import argparse
import sys
from pathlib import Path

from gdsweep.data.check import check_data, data_uses
from gdsweep.errors import BAD_INPUT, DONE, BadInput
from gdsweep.grid import load_grid


def main(arguments: list[str] | None = None) -> int:
    """Check every data set of the grids; the exit code says whether all of them are fine."""
    options = _parser().parse_args(arguments)
    try:
        grids = [load_grid(path, smoke=options.smoke) for path in options.grids]
        cells = [cell for grid in grids for cell in grid.cells]
        uses = data_uses(
            settings for c in cells for settings in (c.settings, c.supervised) if settings
        )
    except BadInput as problem:
        print(problem, file=sys.stderr)
        return BAD_INPUT
    result = DONE
    for use in uses:
        try:
            print(*check_data(use, options.out), "", sep="\n", flush=True)
        except BadInput as problem:  # the other data sets may be fine
            print(problem, file=sys.stderr)
            result = BAD_INPUT
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gdsweep.data", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="check")
    check = commands.add_parser(
        "check",
        help="count images, instances and label splits; draw labelled images and their views",
    )
    check.add_argument("grids", nargs="+", type=Path, metavar="GRID", help="a grid file")
    check.add_argument(
        "--out",
        type=Path,
        default=Path("results/data"),
        help="folder for the pictures (default: results/data)",
    )
    check.add_argument("--smoke", action="store_true", help="the grid in miniature")
    return parser


if __name__ == "__main__":
    sys.exit(main())
