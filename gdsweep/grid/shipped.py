"""Grids by name: those of the folder one works in, and those that come with gdsweep."""

from pathlib import Path

from gdsweep.errors import BadInput
from gdsweep.grid.names import PRESETS, nearest

FOLDER = Path("grids")
"""Where a project keeps its grids, seen from the folder one works in."""

SHIPPED = (PRESETS / "grids").resolve()
"""The grids of the paper, the demo and the evidence."""


def grid_path(name: Path | str) -> Path:
    """A grid's file: the file itself, else `grids/NAME.yaml` here, else the shipped grid NAME.

    A name that is none of them is returned as a path; who reads it meets the error.
    """
    path = Path(name)
    if path.is_file():
        return path
    for folder in (FOLDER, SHIPPED):
        named = folder / f"{name}.yaml"
        if named.is_file():
            return named
    return path


def existing_grid(path: Path) -> Path:
    """The path itself. Raises BadInput where nothing is there, with the name that may be meant."""
    if not path.exists():
        names = {known.stem for folder in (FOLDER, SHIPPED) for known in folder.glob("*.yaml")}
        hint = nearest(path.stem, sorted(names))
        raise BadInput(f"{path}: no such file, and no grid of that name{hint}")
    return path


def grid_name(path: Path) -> str:
    """What names a grid's file on a command line: its stem for a shipped grid, else its path."""
    if path.parent == SHIPPED and grid_path(path.stem) == path:
        return path.stem
    return str(path)
