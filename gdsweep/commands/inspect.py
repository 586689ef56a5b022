"""Tell what a checkpoint is and whether all of it is known."""

import argparse
from pathlib import Path

from gdsweep.commands.checkpoint_options import add_checkpoint_options, read_settings
from gdsweep.errors import DONE


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog=program, description=__doc__)
    p.add_argument(
        "source", type=Path, metavar="FILE", help="file, transformers folder, run directory"
    )
    add_checkpoint_options(p)
    p.add_argument("--backbone", metavar="NAME", help="timm's name of a file of backbone weights")
    p.add_argument("--names", action="store_true", help="list every tensor by our name")
    return p


def main(asked: argparse.Namespace) -> int:
    """Inspect; returns the exit code."""
    from gdsweep.interop.inspect import (
        inspect,  # torch takes seconds to import: --help does without
    )

    settings = read_settings(asked.config)
    found = inspect(asked.source, asked.network, asked.at, settings, asked.names, asked.backbone)
    print(*found, sep="\n")
    return DONE
