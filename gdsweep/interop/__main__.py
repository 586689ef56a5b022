"""`python -m gdsweep.interop`: convert checkpoints between formats, and look into them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gdsweep.errors import BAD_INPUT, DONE, BadInput
from gdsweep.interop.options import add_source_options, read_settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m gdsweep.interop", description=__doc__)
    commands = p.add_subparsers(dest="command", required=True)
    c = commands.add_parser("convert", help="write a checkpoint in another format")
    c.add_argument(
        "source", type=Path, metavar="IN", help="file, transformers folder, run directory"
    )
    c.add_argument("target", type=Path, metavar="OUT", help="file (transformers: folder) to make")
    c.add_argument("--to", required=True, choices=("gdsweep", "mask2former", "transformers"))
    add_source_options(c)
    c.add_argument("--backbone", metavar="NAME", help="timm's name of a file of backbone weights")
    c.add_argument("--channels", choices=("rgb", "bgr"), help="what such a file's network sees")
    i = commands.add_parser("inspect", help="tell what a file is and whether all of it is known")
    i.add_argument("source", type=Path, metavar="FILE", help="as IN of convert")
    add_source_options(i)
    i.add_argument("--names", action="store_true", help="list every tensor by our name")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert or inspect; returns the exit code."""
    asked = parser().parse_args(arguments)
    try:
        # torch takes seconds to import: --help does without
        if asked.command == "inspect":
            from gdsweep.interop.inspect import inspect

            settings = read_settings(asked.config)
            print(*inspect(asked.source, asked.network, asked.at, settings, asked.names), sep="\n")
            return DONE
        from gdsweep.interop.convert import convert
        from gdsweep.interop.inspect import summary

        report = convert(
            asked.source,
            asked.target,
            asked.to,
            asked.network,
            asked.at,
            read_settings(asked.config),
            asked.backbone,
            asked.channels,
        )
        print(f"{report.source} ({report.format})")
        print(*summary(report.loaded, report.dropped, report.notes), sep="\n")
        print(f"written: {asked.target} ({asked.to})")
    except (BadInput, OSError) as error:
        print(f"gdsweep.interop: {error}", file=sys.stderr)
        return BAD_INPUT
    return DONE


if __name__ == "__main__":
    sys.exit(main())
