"""The command line of `gdsweep data import`."""

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gdsweep.config import Scaling


def add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command line of `import`; for the rules see `gdsweep.data.mask_import`."""
    p = commands.add_parser(
        "import",
        help="write COCO annotations and a grid for microscope images with masks or label maps",
        description="Write COCO annotations, PNG images and a grid for microscope images that have "
        "one mask a file for each object, or label maps (a value an object; PNG or TIFF). See "
        "docs/own-data.md for the layouts and rules.",
    )
    p.add_argument("folder", type=Path, metavar="FOLDER", help="images and masks")
    p.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    p.add_argument("--name", help="what the data set is called (default: OUT's name)")
    p.add_argument("--category", default="object", help="name of the one class (default: object)")
    p.add_argument(
        "--tile", type=_positive, metavar="SIZE", help="cut images into equal tiles up to this side"
    )
    p.add_argument(
        "--least",
        type=_positive,
        default=16,
        metavar="PIXELS",
        help="drop what a tile's border leaves of an object below this (default: 16)",
    )
    p.add_argument("--val", type=_fraction, help="fraction drawn for validation (default: 0.15)")
    p.add_argument(
        "--test",
        type=_fraction,
        help="fraction drawn for testing (default: 0.15, and 0 where FOLDER has train/)",
    )
    p.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    p.add_argument(
        "--group", type=_pattern, metavar="REGEX", help="names with one match stay on one side"
    )
    p.add_argument(
        "--pages", type=_pages, metavar="N|max|each", help="of stacks (default: they are refused)"
    )
    p.add_argument(
        "--scaling",
        type=_scaling,
        default="percentile",
        metavar="percentile|min-max|data-set|full|LOW:HIGH",
        help="how more than 8 bits become 8 (default: percentile)",
    )
    p.add_argument("--backbone", default="resnet50", help="of the grid (default: resnet50)")
    p.add_argument("--grid", type=Path, help="grid file to write (default: NAME.yaml)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a whole number above 0 is valid")
    return int(text)


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text}: a fraction from 0 to below 1 is valid")
    return number


def _pages(text: str) -> int | str:
    if text in ("max", "each"):
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text}: the number of a page, from 1, max and each are valid"
    )


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text}: no regular expression ({error})") from None
    return text


def _scaling(text: str) -> "Scaling | Literal['data-set']":
    return "data-set" if text == "data-set" else pixel_scaling(text)


def pixel_scaling(text: str) -> "Scaling":
    """A scaling as it is typed: a word, or LOW:HIGH."""
    if text in ("percentile", "min-max", "full"):
        return text  # type: ignore[return-value]
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = math.nan
    if -math.inf < low < high < math.inf:
        return low, high
    raise argparse.ArgumentTypeError(
        f"{text}: percentile, min-max, full, and two values, the lower first, as 0:4095 are valid"
    )
