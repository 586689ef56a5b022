"""`gdsweep`: the console command that `pip install` brings; `python -m gdsweep` is the same."""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

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


def front_parser(
    program: str, parsers: Mapping[str, argparse.ArgumentParser] | None = None
) -> argparse.ArgumentParser:
    """The command line before its command, which may take its options from `parsers`."""
    p = argparse.ArgumentParser(
        prog=program,
        description="Sweeps of guided distillation, from a page of YAML to the paper's tables.",
        epilog=f"`{program} COMMAND --help` tells a command's options.",
    )
    p.add_argument("--version", action="version", version=f"gdsweep {__version__}")
    p.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        help='complete commands and options: eval "$(gdsweep --print-completion bash)"',
    )
    commands = p.add_subparsers(metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        parents = [parsers[name]] if parsers else []
        commands.add_parser(name, help=does, add_help=False, parents=parents)
    return p


def whole_parser() -> argparse.ArgumentParser:
    """The command line with all its commands and their options."""
    parsers = {
        name: importlib.import_module(f"gdsweep.commands.{name}").parser(f"gdsweep {name}")
        for name in COMMANDS
    }
    return front_parser("gdsweep", parsers)


def _front(program: str, words: list[str]) -> int:
    # no command comes first, so this prints help, version, completion, or what is wrong
    front_parser(program).parse_args(words)
    return DONE


class _PrintCompletion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        from gdsweep.commands.completion import completion  # takes its time: --help does without

        _, shell, *_ = given
        print(completion(whole_parser(), shell))
        parser.exit()
