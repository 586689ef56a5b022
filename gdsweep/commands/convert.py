"""Write a checkpoint in the format of gdsweep, Mask2Former, transformers or torch.export."""

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
    targets = ("gdsweep", "mask2former", "transformers", "torch-export")
    p.add_argument("--to", required=True, choices=targets)
    p.add_argument(
        "--size", type=_size, metavar="HEIGHTxWIDTH",
        help="of the images that a program of torch-export takes: 512x512",
    )  # fmt: skip
    add_checkpoint_options(p)
    p.add_argument("--backbone", metavar="NAME", help="timm's name of a file of backbone weights")
    p.add_argument("--channels", choices=("rgb", "bgr"), help="what such a file's network sees")
    return p


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"{text} is no size; 512x768 is, height first")
    return int(height), int(width)


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
        asked.size,
    )
    print(f"{report.source} ({report.format})")
    print(*summary(report.loaded, report.dropped, report.notes), sep="\n")
    print(f"written: {asked.target} ({asked.to})")
    return DONE
