"""`gdsweep`: the console command that `pip install` brings; `python -m gdsweep` is the same."""

import argparse
import sys
from collections.abc import Sequence

from gdsweep import __version__
from gdsweep.commands.entry import exit_code, run
from gdsweep.errors import DONE

COMMANDS = {
    "launch": "train what the tables of some grids still lack",
    "collect": "rebuild tables and figures from whatever has finished",
    "data": "check whether a grid's data is read rightly",
    "predict": "draw the instances of photographs, and write them as COCO results",
    "convert": "write a checkpoint in another format",
    "inspect": "tell what a checkpoint is and whether all of it is known",
}
"""Commands, each a module beside this one, and what they do."""


def main(arguments: Sequence[str] | None = None, called: str = "gdsweep {}") -> int:
    """Run the command that the first word names; returns its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0] in COMMANDS:
        return run(words[0], words[1:], called=called)
    program = called.format("").strip()
    return exit_code(program, lambda: _front(program, words))


def _front(program: str, words: list[str]) -> int:
    p = argparse.ArgumentParser(
        prog=program,
        description="Sweeps of guided distillation, from a page of YAML to the paper's tables.",
        epilog=f"`{program} COMMAND --help` tells a command's options.",
    )
    p.add_argument("--version", action="version", version=f"gdsweep {__version__}")
    commands = p.add_subparsers(metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        commands.add_parser(name, help=does, add_help=False)
    p.parse_args(words)  # no command comes first, so this prints help, version or what is wrong
    return DONE
