"""`gdsweep` before its command: what there is, the version, shell completion."""

import argparse
import importlib
from collections.abc import Mapping
from typing import Any

from gdsweep import __version__
from gdsweep.commands import COMMANDS
from gdsweep.errors import DONE


def parser(
    program: str, parsers: Mapping[str, argparse.ArgumentParser] | None = None
) -> argparse.ArgumentParser:
    """The command line; its commands take their options from `parsers`, where those are given."""
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
    return parser("gdsweep", parsers)


def main(asked: argparse.Namespace) -> int:
    """Nothing is left to do: without a command, parsing ends in help, version or an error."""
    return DONE


class _PrintCompletion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        from gdsweep.commands.completion import completion  # takes its time: --help does without

        _, shell, *_ = given
        print(completion(whole_parser(), shell))
        parser.exit()
