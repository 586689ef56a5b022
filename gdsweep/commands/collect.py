"""Rebuild tables and figures from whatever has finished; holes say why."""

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.commands.request_options import GridParser, add_request_options, request_of
from gdsweep.errors import DONE, FAILED, BadInput
from gdsweep.export.trackers import TRACKERS, require

if TYPE_CHECKING:
    from gdsweep.export.exporting import Export
    from gdsweep.report.against import Compared
    from gdsweep.report.collecting import Collected


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = GridParser(
        prog=program,
        description=__doc__,
        epilog="exit codes: 0 fine; 1 a number is of other data than the grid names now, or "
        "--check or --against found a miss; 2 bad input",
    )
    add_request_options(
        p,
        "grid files, or names: table3; if none is given, every grid in grids/ that has runs in "
        "the store; with --explain one grid, then words that mean one number",
    )
    p.add_argument(
        "--out", type=Path, default=Path("results"), help="where to write (default: results)"
    )
    p.add_argument(
        "--explain", action="store_true",
        help="print one number's receipt: --explain grids/demo.yaml nuclei 5 guided",
    )  # fmt: skip
    p.add_argument(
        "--check", action="store_true",
        help="exit 1 where a number is below the published one, or an ordering the paper claims is "
        "contradicted, by more than chance explains in a table of this size",
    )  # fmt: skip
    p.add_argument(
        "--strict", action="store_true",
        help="with --check: a hole, a number above its interval and an unchecked pair fail too",
    )  # fmt: skip
    p.add_argument(
        "--against", type=Path, metavar="CSV",
        help="exit 1 where a mean is further from that of an earlier collection than chance "
        "explains in a table of this size; one grid at a time",
    )  # fmt: skip
    p.add_argument("--html", action="store_true", help="write one self-contained page a grid, too")
    p.add_argument(
        "--watch", nargs="?", type=_seconds, const=60.0, metavar="SECONDS",
        help="collect again whenever something has changed, until all is done (looks every "
        "60 seconds, or as often as said, 30 at least); the page loads itself again, too",
    )  # fmt: skip
    p.add_argument(
        "--curves", action="store_true",
        help="draw training curves, too: loss, validation AP, pseudo-labels against the iteration",
    )  # fmt: skip
    p.add_argument(
        "--panels", type=_count, default=0, metavar="N",
        help="draw N test images, supervised above guided; needs both scores (default: 0)",
    )  # fmt: skip
    p.add_argument(
        "--cost", action="store_true",
        help="write NAME-cost, too: parameters, FLOPs, speed, memory, hours, energy of each row",
    )  # fmt: skip
    p.add_argument(
        "--pseudo-labels", action="store_true",
        help="write NAME-pseudo-labels, too: how many the teachers gave, how many were right; "
        "and pictures of those that runs kept (evaluation.pseudo_labels)",
    )  # fmt: skip
    p.add_argument(
        "--clean", action="store_true",
        help="write NAME-clean, too: the table with our numbers only, for a paper of your own",
    )  # fmt: skip
    p.add_argument(
        "--export", action="append", default=[], choices=sorted(TRACKERS),
        help="write runs, tables and pictures as a tracker's offline files, too; may be repeated",
    )  # fmt: skip
    p.add_argument(
        "--export-dir", type=Path, metavar="FOLDER",
        help="where --export writes (default: NAME-export beside the tables)",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return p


def main(asked: argparse.Namespace) -> int:
    """Collect, or explain one number; returns the exit code. Holes are shown and are no failure."""
    _check(asked)
    return _explain(asked) if asked.explain else _collect(asked)


def _check(asked: argparse.Namespace) -> None:
    if asked.strict and not asked.check:
        raise BadInput("--strict: it goes with --check")
    if asked.check and asked.smoke:
        raise BadInput("--check: what --smoke trained is no result; leave one of them out")
    for option in ("check", "against", "json", "explain", "export"):
        if asked.watch is not None and getattr(asked, option):
            raise BadInput(f"--watch: it goes with files alone, not with --{option}")
    if asked.export_dir and not asked.export:
        raise BadInput("--export-dir: it goes with --export")
    require(asked.export)
    if asked.against and len(asked.grids) != 1:
        raise BadInput("--against: it is the CSV of one grid; name that grid")
    if asked.explain and len(asked.grids) < 2:
        raise BadInput("--explain: name a grid and a number: grids/demo.yaml nuclei 5 guided")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of images")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        said = f"{text} is no number of seconds; name grids before it, or --watch=60"
        raise argparse.ArgumentTypeError(said) from None
    if not 30 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not between 30 seconds and a day")
    return seconds


def _explain(asked: argparse.Namespace) -> int:
    from gdsweep import report

    name, *words = asked.grids
    request = request_of(asked, [name])
    (grid,) = request.grids
    place = report.find_cell(grid, words)
    receipt = report.receipt(request.graph, grid, request.store, place)
    if asked.json:
        print(json.dumps(asdict(receipt), indent=1))
    else:
        print(report.receipt_text(receipt), end="")
    return DONE


def _collect(asked: argparse.Namespace) -> int:
    from gdsweep import report
    from gdsweep.report.choosing import grids_to_collect
    from gdsweep.report.collecting import Extras, collect, write

    extras = Extras(
        cost=asked.cost,
        pseudo_labels=asked.pseudo_labels,
        html=asked.html,
        period=asked.watch,
        curves=asked.curves,
        clean=asked.clean,
        panels=asked.panels,
    )
    chosen, left_out = grids_to_collect(request_of(asked, asked.grids))
    for line in left_out:
        print(line, file=sys.stderr)
    if asked.export_dir and len(chosen) > 1:
        raise BadInput("--export-dir: it is the folder of one grid; name that grid")
    flags = _flags(asked)
    if asked.watch is not None:
        from gdsweep.report.watching import watch

        watch(chosen, extras, flags, asked.out, asked.watch)
        return DONE
    entries = []
    for one in chosen:
        collected = collect(one, extras, one.command("collect", *flags))
        for line in (*collected.damaged, *collected.outdated):
            print(f"{collected.grid.name}: {line}", file=sys.stderr)
        # read before anything is written: it may be the very file that is about to be replaced
        compared = _compared(collected, asked.against)
        written, unchanged = write(collected, asked.out)
        exports = _exported(collected, [*written, *unchanged], asked)
        table = collected.main.table
        misses = report.misses(table, asked.strict) if asked.check else []
        if not asked.json:
            _print(collected, (written, unchanged), misses, compared, asked)
            for made in exports:
                print(f"{made}\nnext: {made.then}", end="\n\n")
        entries.append(
            {
                **collected.to_json(),
                "files": [str(path) for path in (*written, *unchanged)],
                "exports": [str(made.folder) for made in exports],
                "misses": misses,
                "moved": [one.text for one in compared if one.outcome == "outside"],
                "outdated": collected.outdated,
            }
        )
    if asked.json:
        print(json.dumps({"grids": entries, "left_out": left_out}, indent=1))
    elif not entries:
        print("nothing to collect yet")
    failures = ("misses", "moved", "outdated")
    return FAILED if any(grid[key] for grid in entries for key in failures) else DONE


def _exported(
    collected: "Collected", files: list[Path], asked: argparse.Namespace
) -> list["Export"]:
    if not asked.export:
        return []
    from gdsweep.export.exporting import export

    folder = asked.export_dir or asked.out / f"{collected.stem}-export"
    return export(collected, asked.export, folder, files)


def _compared(collected: "Collected", earlier: Path | None) -> list["Compared"]:
    from gdsweep import report

    return report.against(collected.main.frame, collected.grid, earlier) if earlier else []


def _print(
    collected: "Collected",
    files: tuple[list[Path], list[Path]],
    misses: list[str],
    compared: list["Compared"],
    asked: argparse.Namespace,
) -> None:
    from gdsweep import report

    table = collected.main.table
    print(*collected.printed(_width()), sep="\n")
    written, unchanged = files
    lines = [f"wrote {path}" for path in written]
    lines += [f"unchanged {path}" for path in unchanged]
    print("\n".join(lines), end="\n\n")
    published = any(entry.published is not None for row in table.rows for entry in row.entries)
    if asked.check or published or table.orderings:
        summary = f"{collected.grid.name}: {report.summary(table)}"
        print(summary, *(f"miss: {line}" for line in misses), sep="\n", end="\n\n")
    if compared:
        print("\n".join(report.against_lines(compared, asked.against)), end="\n\n")


def _width() -> int:
    """Columns of the terminal that is printed to; those of a file where there is none."""
    from gdsweep.report.as_text import WIDTH

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH


def _flags(asked: argparse.Namespace) -> list[str]:
    """The options that decide what files hold: the rest of the command that makes them."""
    flags = [] if asked.out == Path("results") else ["--out", str(asked.out)]
    for option in ("html", "curves", "cost", "pseudo_labels", "clean"):
        flags += [f"--{option.replace('_', '-')}"] if getattr(asked, option) else []
    return [*flags, "--panels", str(asked.panels)] if asked.panels else flags
