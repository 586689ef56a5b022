"""Rebuild tables and figures from whatever has finished: `python collect.py grids/demo.yaml`."""

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.errors import BAD_INPUT, DONE, FAILED, BadInput

if TYPE_CHECKING:
    from gdsweep.plan.request import Request
    from gdsweep.report.against import Compared
    from gdsweep.report.collecting import Collected


def main(argv: list[str] | None = None) -> int:
    """Parse, collect, print; returns the exit code. Holes are shown and are no failure."""
    arguments = _parse(argv)
    try:
        _check_options(arguments)
        if arguments.explain:
            return _explain(arguments)
        return _collect(arguments)
    except BadInput as error:
        print(f"collect.py: {error}", file=sys.stderr)
        return BAD_INPUT


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="collect.py",
        description="Rebuild tables and figures from whatever has finished; holes say why.",
        epilog="exit codes: 0 fine, 1 --check or --against found a miss, 2 bad input",
    )
    parser.add_argument(
        "grids", nargs="*", metavar="GRID",
        help="grid files, or names in grids/; every grid there that has runs in the store if none "
        "is given; with --explain one grid, then words that mean one number",
    )  # fmt: skip
    parser.add_argument(
        "--store", type=Path, help="folder of runs (default: runs; runs-smoke with --smoke)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="where to write (default: results)"
    )
    parser.add_argument(
        "--explain", action="store_true",
        help="print one number's receipt: --explain grids/demo.yaml shapes 5 guided",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true",
        help="exit 1 where a number is below its noise band or contradicts a claimed ordering",
    )  # fmt: skip
    parser.add_argument(
        "--strict", action="store_true",
        help="with --check: a hole, a number above its band and an unchecked ordering fail too",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="CSV",
        help="exit 1 where a mean is further from that of an earlier collection than the spread "
        "over its seeds; one grid at a time",
    )  # fmt: skip
    parser.add_argument(
        "--html", action="store_true", help="write one self-contained page a grid, too"
    )
    parser.add_argument(
        "--panels", type=_count, default=0, metavar="N",
        help="draw N test images, supervised above guided; needs both scores (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--cost", action="store_true",
        help="write NAME-cost, too: parameters, FLOPs, speed, memory, hours, energy of each row",
    )  # fmt: skip
    parser.add_argument(
        "--pseudo-labels", action="store_true",
        help="write NAME-pseudo-labels, too: how many the teachers gave, how many were right",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--smoke", action="store_true", help="collect what launch --smoke trained")
    parser.add_argument(
        "--eval-only", action="store_true",
        help="collect what launch --eval-only scored, into NAME-eval-only",
    )  # fmt: skip
    return parser.parse_intermixed_args(argv)


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.strict and not arguments.check:
        raise BadInput("--strict: it goes with --check")
    if arguments.check and arguments.smoke:
        raise BadInput("--check: what --smoke trained is no result; leave one of them out")
    if arguments.against and len(arguments.grids) != 1:
        raise BadInput("--against: it is the CSV of one grid; name that grid")
    if arguments.eval_only and arguments.smoke:
        raise BadInput("--eval-only: the networks of --smoke are new ones; leave one of them out")
    if arguments.explain and len(arguments.grids) < 2:
        raise BadInput("--explain: name a grid and a number: grids/demo.yaml shapes 5 guided")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of images")
    return int(text)


def _request(arguments: argparse.Namespace, grid_names: list[str]) -> "Request":
    from gdsweep.plan.request import Request

    return Request(
        grid_names=tuple(grid_names),
        folder=arguments.store,
        mode="smoke" if arguments.smoke else "eval-only" if arguments.eval_only else "real",
    )


def _explain(arguments: argparse.Namespace) -> int:
    from gdsweep import report

    request = _request(arguments, arguments.grids[:1])
    (grid,) = request.grids
    place = report.find_cell(grid, arguments.grids[1:])
    receipt = report.receipt(request.graph, grid, request.store, place)
    if arguments.json:
        print(json.dumps(asdict(receipt), indent=1))
    else:
        print(report.receipt_text(receipt), end="")
    return DONE


def _collect(arguments: argparse.Namespace) -> int:
    from gdsweep import report
    from gdsweep.report.choosing import grids_to_collect
    from gdsweep.report.collecting import Extras, collect, write

    extras = Extras(
        cost=arguments.cost,
        pseudo_labels=arguments.pseudo_labels,
        html=arguments.html,
        panels=arguments.panels,
    )
    chosen, left_out = grids_to_collect(_request(arguments, arguments.grids))
    for line in left_out:
        print(line, file=sys.stderr)
    flags = _flags(arguments)
    said = []
    for request in chosen:
        collected = collect(request, extras, request.command("collect", *flags))
        for line in collected.damaged:
            print(f"{collected.grid.name}: {line}", file=sys.stderr)
        # read before anything is written: it may be the very file that is about to be replaced
        compared = _compared(collected, arguments.against)
        files = write(collected, arguments.out)
        table = collected.main.table
        misses = report.misses(table, arguments.strict) if arguments.check else []
        if not arguments.json:
            _print(collected, files, misses, compared, arguments)
        said.append(
            {
                **collected.to_json(),
                "files": [str(path) for path in files],
                "misses": misses,
                "moved": [one.text for one in compared if one.outcome == "outside"],
            }
        )
    if arguments.json:
        print(json.dumps({"grids": said, "left_out": left_out}, indent=1))
    elif not said:
        print("nothing to collect yet")
    return FAILED if any(grid["misses"] or grid["moved"] for grid in said) else DONE


def _compared(collected: "Collected", earlier: Path | None) -> list["Compared"]:
    from gdsweep import report

    return report.against(collected.main.frame, collected.grid, earlier) if earlier else []


def _print(
    collected: "Collected",
    files: list[Path],
    misses: list[str],
    compared: list["Compared"],
    arguments: argparse.Namespace,
) -> None:
    from gdsweep import report

    texts = collected.texts.items()
    print(*(text for end, text in texts if end.endswith(".txt")), sep="\n")
    print("\n".join(f"wrote {path}" for path in files), end="\n\n")
    if arguments.check:
        summary = f"{collected.grid.name}: {report.summary(collected.main.table)}"
        print(summary, *(f"miss: {line}" for line in misses), sep="\n", end="\n\n")
    if compared:
        print("\n".join(report.against_lines(compared, arguments.against)), end="\n\n")


def _flags(arguments: argparse.Namespace) -> list[str]:
    """The options that decide what files hold: the rest of the command that makes them."""
    flags = [] if arguments.out == Path("results") else ["--out", str(arguments.out)]
    for option in ("html", "cost", "pseudo_labels"):
        flags += [f"--{option.replace('_', '-')}"] if getattr(arguments, option) else []
    return [*flags, "--panels", str(arguments.panels)] if arguments.panels else flags


if __name__ == "__main__":
    # a terminal that knows only ASCII gets question marks, not a traceback
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `collect.py | head`: who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    sys.exit(code)
