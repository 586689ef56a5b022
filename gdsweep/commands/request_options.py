"""Command-line options that say what a command is about: grids, store, mode."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdsweep.plan.request import Request


class GridParser(argparse.ArgumentParser):
    """A command line whose options may stand among its grids: `a.yaml --html b.yaml`."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """As of any parser."""
        return self.parse_intermixed_args(args, namespace)


def add_request_options(p: argparse.ArgumentParser, grids: str) -> None:
    """Add them to a command line; `grids` is the help of its positional words."""
    p.add_argument("grids", nargs="*", metavar="GRID", help=grids)
    p.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        help="folder of all runs (default: runs; runs-smoke with --smoke)",
    )
    modes = p.add_mutually_exclusive_group()
    modes.add_argument("--smoke", action="store_true", help="the grids in miniature")
    modes.add_argument(
        "--eval-only",
        action="store_true",
        help="nothing trained: the scores of the weights that the grids give (model.init)",
    )


def request_of(asked: argparse.Namespace, grids: Sequence[str]) -> "Request":
    """What the options ask for, about `grids`."""
    from gdsweep.plan.request import Request  # pydantic takes its time: --help does without

    return Request(
        grid_names=tuple(grids),
        folder=asked.store,
        mode="smoke" if asked.smoke else "eval-only" if asked.eval_only else "real",
        called=asked.called,
    )
