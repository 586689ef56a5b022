"""Write a checkpoint in another format: gdsweep's, Mask2Former's (detectron2), transformers'."""

import argparse
from pathlib import Path

from gdsweep.commands.checkpoint_options import add_checkpoint_options, read_settings
from gdsweep.errors import DONE


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog=program, description=__doc__)
    p.add_argument(
        "source", type=Path, metavar="IN", help="file, transformers folder, run directory"
    )
    p.add_argument("target", type=Path, metavar="OUT", help="file (transformers: folder) to make")
    p.add_argument("--to", required=True, choices=("gdsweep", "mask2former", "transformers"))
    add_checkpoint_options(p)
    p.add_argument("--backbone", metavar="NAME", help="timm's name of a file of backbone weights")
    p.add_argument("--channels", choices=("rgb", "bgr"), help="what such a file's network sees")
    return p


def main(asked: argparse.Namespace) -> int:
    """Convert, and say what was left out; returns the exit code."""
    # torch takes seconds to import: --help does without
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
    return DONE
