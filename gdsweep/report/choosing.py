"""Which grids are collected where none is named: those of `grids/` with runs in the store."""

from dataclasses import replace

from gdsweep.errors import BadInput
from gdsweep.grid.shipped import FOLDER
from gdsweep.plan.request import Request


def grids_to_collect(request: Request) -> tuple[list[Request], list[str]]:
    """One request a grid to collect, read and valid, and one line on each grid left out.

    Named grids are all collected, and one that is not valid is an error. Raises BadInput.
    """
    root = request.store.root
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root}: --store is not a folder")
    if request.grid_names:
        named = list(request.each())
        for one in named:
            _ = one.graph  # whatever is wrong with one of them, nothing is written
        return named, []
    paths = sorted(FOLDER.glob("*.yaml"))
    if not paths:
        raise BadInput(f"{FOLDER}: no grid files in this folder; name a grid, such as table3")
    chosen, left_out = [], []
    for one in replace(request, grid_names=tuple(paths)).each():
        try:
            begun = any(one.store.run(name).config.exists() for name in one.graph.runs)
        except BadInput as error:
            left_out.append(f"left out: {error}")
            continue
        if begun:
            chosen.append(one)
        else:
            left_out.append(f"left out: {one.paths[0]}: none of its runs is in {root}")
    return chosen, left_out
