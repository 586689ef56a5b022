"""`python -m gdsweep.data check GRID`: is the data read rightly? See before paying."""

import argparse
import sys
from pathlib import Path

from gdsweep.data.check import check_data, data_uses
from gdsweep.data.miniature import write_miniatures
from gdsweep.errors import BAD_INPUT, DONE, BadInput
from gdsweep.grid import load_grid
from gdsweep.runs import Store


def main(arguments: list[str] | None = None) -> int:
    """Check every data set of the grids; the exit code says whether all of them are fine."""
    options = _parser().parse_args(arguments)
    if options.command == "miniatures":
        return _write(options.folder)
    try:
        folder = Store("runs-smoke").miniatures if options.smoke else None
        if folder is not None and _write(folder):
            return BAD_INPUT
        grids = [load_grid(path, smoke=folder) for path in options.grids]
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


def _write(folder: Path) -> int:
    try:
        write_miniatures(folder)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gdsweep.data", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
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
    miniatures = commands.add_parser(
        "miniatures", help="write COCO and Cityscapes in miniature, for launch.py --smoke"
    )
    miniatures.add_argument("folder", type=Path, metavar="FOLDER", help="a folder to make")
    return parser


if __name__ == "__main__":
    sys.exit(main())
