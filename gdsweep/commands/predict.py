"""Predict on photographs: overlays to look at, and COCO results.

`gdsweep predict CHECKPOINT IMAGES... --out DIR` writes, for each image, `NAME.png` with the
instances drawn on it, and for all of them `predictions.json` (COCO results) beside `images.json`
(the images and categories that its ids refer to).
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.commands.checkpoint_options import add_checkpoint_options, read_settings
from gdsweep.commands.import_options import pixel_scaling
from gdsweep.errors import DONE, BadInput

if TYPE_CHECKING:
    from gdsweep.config import RunConfig
    from gdsweep.config.tiles import Tiling


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog=program, description=__doc__)
    p.add_argument("checkpoint", type=Path, help="run directory, or weights in any format")
    p.add_argument("images", type=Path, nargs="+", help="image files and folders")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    add_checkpoint_options(p)
    p.add_argument("--threshold", type=float, default=0.5, metavar="S", help="least score drawn")
    p.add_argument(
        "--detections", type=int, default=100, metavar="N", help="most per image or tile"
    )
    p.add_argument(
        "--tiles", type=_tiles, default=argparse.SUPPRESS, metavar="HxW|off",
        help="see larger images in overlapping tiles of so many pixels (default: the run's)",
    )  # fmt: skip
    p.add_argument(
        "--tile-overlap", type=int, metavar="PX",
        help="pixels that neighbouring tiles share at least (default: the run's)",
    )  # fmt: skip
    p.add_argument("--short-edge", type=int, metavar="PX", help="test size (default: the run's)")
    p.add_argument(
        "--scaling", type=pixel_scaling, metavar="percentile|min-max|full|LOW:HIGH",
        help="how more than 8 bits become 8 (default: as the run's data, full without a run)",
    )  # fmt: skip
    p.add_argument(
        "--outlines", action="store_true",
        help="outlines alone, no text and no filling: objects of ten pixels stay visible",
    )  # fmt: skip
    p.add_argument(
        "--ground-truth", type=Path, metavar="FILE",
        help="COCO annotations of the images, drawn to the left of the predictions",
    )  # fmt: skip
    p.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    return p


def main(asked: argparse.Namespace) -> int:
    """Predict; returns the exit code."""
    if not 0 <= asked.threshold <= 1:
        raise BadInput(f"--threshold: {asked.threshold} is not between 0 and 1")
    if asked.detections < 1:
        raise BadInput(f"--detections: {asked.detections} is not 1 or more")
    if asked.short_edge is not None and asked.short_edge < 1:
        raise BadInput(f"--short-edge: {asked.short_edge} is not 1 or more")
    # torch takes seconds to import: --help does without
    from gdsweep.interop.open import open_checkpoint
    from gdsweep.interop.predicting import image_files, predict_files

    files = image_files(asked.images)
    settings = read_settings(asked.config)
    opened = open_checkpoint(asked.checkpoint, asked.network, asked.at, settings)
    drawn = predict_files(
        files,
        opened,
        asked.out,
        threshold=asked.threshold,
        detections=asked.detections,
        tiling=_tiling(asked, opened.run),
        short_edge=asked.short_edge,
        scaling=asked.scaling,
        device=asked.device,
        outlines=asked.outlines,
        ground_truth=asked.ground_truth,
    )
    print(f"{len(files)} images, {drawn} instances drawn: {asked.out}")
    return DONE


def _tiles(text: str) -> tuple[int, int] | None:
    """Height and width of `80x96` or `80`; None of `off`."""
    if text == "off":
        return None
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no size; valid: 80, 80x96 (HxW), off")
    return sides[0], sides[-1]


def _tiling(asked: argparse.Namespace, run: "RunConfig | None") -> "Tiling | None":
    """The tiles that the command line asks for, and where it does not, the run's."""
    from gdsweep.config import EvaluationSettings

    evaluation = run.settings.evaluation if run else EvaluationSettings()
    given = {"tiles": asked.tiles} if "tiles" in asked else {}
    if asked.tile_overlap is not None:
        given["tile_overlap"] = asked.tile_overlap
    return evaluation.model_copy(update=given).tiling
