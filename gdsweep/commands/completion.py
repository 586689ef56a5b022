"""Shell completion of the console command, written by shtab."""

import argparse
from pathlib import Path

import shtab

from gdsweep.grid.shipped import SHIPPED


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that teaches a shell a command line with all its commands and their options.

    Grids complete to files and, in bash, to the names of shipped grids.
    """
    _mark_files(parser)
    script: str = shtab.complete(parser, shell)
    return script


def _mark_files(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # argparse has no public way to its actions, and shtab uses it
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _mark_files(inner)
        elif action.dest == "grids":
            action.complete = _grids()  # type: ignore[attr-defined]
        elif action.type is Path:
            folder = action.metavar in ("DIR", "FOLDER")
            action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]


def _grids() -> dict[str, object]:
    names = " ".join(sorted(path.stem for path in SHIPPED.glob("*.yaml")))
    function = f"_gdsweep_grids() {{ compgen -W '{names}' -- $1; compgen -f -- $1; }}"
    return {**shtab.FILE, "bash": "_gdsweep_grids", "preamble": {"bash": function}}
