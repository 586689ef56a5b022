"""Is the data of a grid read rightly? See before paying."""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.commands.import_options import add_import
from gdsweep.errors import BAD_INPUT, DONE, BadInput

if TYPE_CHECKING:
    from gdsweep.config import Scaling


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog=program, description=__doc__)
    commands = p.add_subparsers(required=True, dest="command", metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="count images, instances and label splits; draw labelled images and their views",
    )
    check.add_argument("grids", nargs="+", metavar="GRID", help="grid files, or names: table3")
    check.add_argument(
        "--out",
        type=Path,
        default=Path("results/data"),
        help="folder for the pictures (default: results/data)",
    )
    check.add_argument("--smoke", action="store_true", help="the grid in miniature")
    init = commands.add_parser(
        "init", help="write a grid for a folder of COCO annotations, every setting with its reason"
    )
    init.add_argument("folder", type=Path, metavar="FOLDER", help="annotations and images")
    init.add_argument("--name", help="what the data set is called (default: the folder's name)")
    init.add_argument("--backbone", default="resnet50", help="default: resnet50")
    init.add_argument("--out", type=Path, metavar="GRID", help="file to write (default: NAME.yaml)")
    add_import(commands)
    miniatures = commands.add_parser(
        "miniatures", help="write COCO and Cityscapes in miniature, for launch --smoke"
    )
    miniatures.add_argument("folder", type=Path, metavar="FOLDER", help="a folder to make")
    return p


def main(asked: argparse.Namespace) -> int:
    """Check or import data sets, write a grid for one, or data in miniature; the exit code."""
    if asked.command == "init":
        return _init(asked)
    if asked.command == "import":
        return _import(asked)
    if asked.command == "miniatures":
        return _write_miniatures(asked.folder)
    return _check(asked)


def _check(asked: argparse.Namespace) -> int:
    """Check every data set of the grids; the exit code says whether all of them are fine."""
    # torch takes seconds to import: --help does without
    from gdsweep.data.check import check_data, data_uses
    from gdsweep.plan.notes import plan_notes
    from gdsweep.plan.request import Request

    request = Request(grid_names=tuple(asked.grids), mode="smoke" if asked.smoke else "real")
    if request.mode == "smoke":
        _write_miniatures(request.store.miniatures)
    cells = [cell for grid in request.grids for cell in grid.cells]
    uses = data_uses(settings for c in cells for settings in (c.settings, c.supervised) if settings)
    code = DONE
    for use in uses:
        try:
            print(*check_data(use, asked.out), "", sep="\n", flush=True)
        except BadInput as problem:  # the other data sets may be fine
            print(f"{asked.program}: {problem}", file=sys.stderr)
            code = BAD_INPUT
    for line in plan_notes(request.grids):
        print(line)
    return code


def _write_miniatures(folder: Path) -> int:
    from gdsweep.data.miniature import write_miniatures

    try:
        write_miniatures(folder)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from None
    return DONE


def _init(asked: argparse.Namespace) -> int:
    """Write a grid for a folder of one's own; an existing file stays."""
    name = _name(asked.name, asked.folder)
    out = _free(asked.out or Path(f"{name}.yaml"), "--out")
    _write_grid(out, asked.folder, name, asked.backbone)
    print(f"wrote {out}; look at the data with: {asked.called.format('data')} check {out}")
    return DONE


def _import(asked: argparse.Namespace) -> int:
    """Write a data set from images and masks, and its grid; what exists stays."""
    from gdsweep.data.import_settings import ImportSettings
    from gdsweep.data.mask_import import import_masks

    name = _name(asked.name, asked.out)
    grid = _free(asked.grid or Path(f"{name}.yaml"), "--grid")
    if not grid.parent.is_dir():
        raise BadInput(f"{grid}: there is no folder {grid.parent} to write it to")
    drawn = 0 if (asked.folder / "train").is_dir() else 0.15
    settings = ImportSettings(
        category=asked.category,
        tile=asked.tile,
        least=asked.least,
        val=0.15 if asked.val is None else asked.val,
        test=drawn if asked.test is None else asked.test,
        seed=asked.seed,
        group=asked.group,
        pages=asked.pages,
        scaling=asked.scaling,
    )
    imported = import_masks(asked.folder, asked.out, settings)
    print(*imported.lines(settings), sep="\n")
    _write_grid(grid, asked.out, name, asked.backbone, imported.scaling)
    called = asked.called.format("data")
    print(f"wrote {asked.out} and {grid}; look at the data with: {called} check {grid}")
    return DONE


def _name(given: str | None, folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", given or folder.resolve().name)


def _free(path: Path, option: str) -> Path:
    if path.exists():
        raise BadInput(f"{path}: is there already; name another file with {option}")
    return path


def _write_grid(
    path: Path, folder: Path, name: str, backbone: str, scaling: "Scaling" = "full"
) -> None:
    from gdsweep import atomic
    from gdsweep.grid.own_data import own_grid

    text = own_grid(folder, name, backbone, scaling)
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from None
