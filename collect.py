"""Rebuild tables and figures from whatever has finished: `python collect.py grids/demo.yaml`."""

import argparse
import dataclasses
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdsweep.errors import BAD_INPUT, DONE, FAILED, BadInput

if TYPE_CHECKING:
    from gdsweep.grid import Graph, Grid
    from gdsweep.report import Table
    from gdsweep.runs import Store
    from plots.figures import Drawn


def main(argv: list[str] | None = None) -> int:
    """Parse, collect, print; returns the exit code. Holes are shown and are no failure."""
    arguments = _parse(argv)
    try:
        _check_options(arguments)
        if arguments.explain:
            return _explain(arguments)
        chosen, left_out = _choose(arguments)
        for line in left_out:
            print(line, file=sys.stderr)
        collected = [_collect(grid, graph, arguments) for grid, graph in chosen]
    except BadInput as error:
        print(f"collect.py: {error}", file=sys.stderr)
        return BAD_INPUT
    if arguments.json:
        print(json.dumps({"grids": collected, "left_out": left_out}, indent=1))
    elif not collected:
        print("nothing to collect yet")
    missed = any(grid["misses"] or grid["moved"] for grid in collected)
    return FAILED if missed else DONE


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="collect.py",
        description="Rebuild tables and figures from whatever has finished; holes say why.",
        epilog="exit codes: 0 fine, 1 --check or --against found a miss, 2 bad input",
    )
    parser.add_argument(
        "grids", nargs="*", type=_grid_path, metavar="GRID",
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
    arguments = parser.parse_intermixed_args(argv)
    arguments.store = arguments.store or _usual_store(arguments)
    return arguments


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


def _grid_path(word: str) -> Path:
    """A grid file, or the one in grids/ that goes by that name."""
    named = Path("grids") / f"{word}.yaml"
    return named if named.is_file() and not Path(word).exists() else Path(word)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of images")
    return int(text)


def _explain(arguments: argparse.Namespace) -> int:
    from gdsweep import report
    from gdsweep.grid import graph_of, load_grid
    from gdsweep.runs import Store

    path, *words = arguments.grids
    grid = load_grid(path, smoke=_miniatures(arguments))
    words = [str(word) for word in words]
    place = report.find_cell(grid, words)
    graph = graph_of([grid], arguments.eval_only)
    found = report.receipt(graph, grid, Store(arguments.store), place)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(found), indent=1))
    else:
        print(report.receipt_text(found), end="")
    return DONE


def _usual_store(arguments: argparse.Namespace) -> Path:
    return Path("runs-smoke" if arguments.smoke else "runs")


def _miniatures(arguments: argparse.Namespace) -> Path | None:
    from gdsweep.runs import Store

    return Store(arguments.store).miniatures if arguments.smoke else None


def _choose(arguments: argparse.Namespace) -> tuple[list[tuple["Grid", "Graph"]], list[str]]:
    """The grids to collect, and one line on each that is left out."""
    from gdsweep.grid import graph_of, load_grid
    from gdsweep.runs import Store

    store = Store(arguments.store)
    if store.root.exists() and not store.root.is_dir():
        raise BadInput(f"{store.root}: --store is not a folder")
    if arguments.grids:
        grids = [load_grid(path, smoke=_miniatures(arguments)) for path in arguments.grids]
        names = [grid.name for grid in grids]
        for grid in grids:
            if names.count(grid.name) > 1:
                raise BadInput(
                    f"{grid.path}: another grid is called {grid.name} too; collect apart"
                )
        return [(grid, graph_of([grid], arguments.eval_only)) for grid in grids], []
    paths = sorted(Path("grids").glob("*.yaml"))
    if not paths:
        raise BadInput("grids: no grid files in this folder; name a grid file")
    chosen, left_out = [], []
    for path in paths:
        try:
            grid = load_grid(path, smoke=_miniatures(arguments))
            graph = graph_of([grid], arguments.eval_only)
        except BadInput as error:
            left_out.append(f"left out: {error}")
            continue
        if any(store.run(name).config.exists() for name in graph.runs):
            chosen.append((grid, graph))
        else:
            left_out.append(f"left out: {path}: none of its runs is in {arguments.store}")
    return chosen, left_out


def _collect(grid: "Grid", graph: "Graph", arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one grid's files; print its table unless JSON is wanted. Returns what JSON says."""
    from gdsweep import atomic, report
    from gdsweep.runs import Store
    from plots import style
    from plots.figures import draw_all

    store, command = Store(arguments.store), _command(grid, arguments)
    frame = report.results(graph, grid, store)
    for line in dict.fromkeys(frame.loc[frame["status"] == "damaged", "why"]):
        print(f"{grid.name}: {line}", file=sys.stderr)
    table = report.build_table(frame, grid, command)
    table = _marked(table, arguments)
    spent = report.costs(graph, grid, store) if arguments.cost or arguments.html else None
    cost = None if spent is None else _marked(report.cost_table(spent, grid, command), arguments)
    texts = report.texts(table, frame, command)
    if arguments.cost and cost is not None:
        texts |= {f"-cost{end}": text for end, text in report.texts(cost, spent, command).items()}
    if arguments.pseudo_labels:
        labels = report.label_quality(graph, grid, store)
        given = _marked(report.label_quality_table(labels, grid, command), arguments)
        texts |= {
            f"-pseudo-labels{end}": t for end, t in report.texts(given, labels, command).items()
        }
    if grid.differences:
        paired = _marked(report.difference_table(frame, grid, command), arguments)
        pairs = report.differences(frame, grid)
        texts |= {
            f"-differences{end}": t for end, t in report.texts(paired, pairs, command).items()
        }
    # read before anything is written: it may be the very file that is about to be replaced
    beside = report.against(frame, grid, arguments.against) if arguments.against else []
    kind = "-smoke" if arguments.smoke else "-eval-only" if arguments.eval_only else ""
    stem = arguments.out / f"{grid.name}{kind}"
    files = [stem.with_name(stem.name + suffix) for suffix in texts]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path, text in zip(files, texts.values(), strict=True):
            atomic.write_text(path, text)
        drawn = draw_all(grid, graph, store, frame, arguments.panels)
        for one in drawn:
            files += style.save(one.figure, stem.with_name(stem.name + one.end), command)
        if arguments.html:
            page = stem.with_name(f"{stem.name}.html")
            atomic.write_text(page, _page(grid, graph, store, table, drawn, cost))
            files.append(page)
    except OSError as error:
        raise BadInput(f"{arguments.out}: cannot be written ({error.strerror})") from None
    found = report.misses(table, arguments.strict) if arguments.check else []
    if not arguments.json:
        print(*(text for end, text in texts.items() if end.endswith(".txt")), sep="\n")
        print("\n".join(f"wrote {path}" for path in files), end="\n\n")
        if arguments.check:
            lines = [f"{grid.name}: {report.summary(table)}", *(f"miss: {line}" for line in found)]
            print("\n".join(lines), end="\n\n")
        if beside:
            print("\n".join(report.against_lines(beside, arguments.against)), end="\n\n")
    return {
        "grid": str(grid.path),
        "files": [str(path) for path in files],
        "cells": json.loads(frame.to_json(orient="records")),
        "costs": [] if spent is None else json.loads(spent.to_json(orient="records")),
        "orderings": [dataclasses.asdict(checked) for checked in table.orderings],
        "misses": found,
        "moved": [compared.text for compared in beside if compared.outcome == "outside"],
    }


def _marked(table: "Table", arguments: argparse.Namespace) -> "Table":
    """The table, its caption saying what it is not."""
    said = ""
    if arguments.smoke:
        said = " (smoke test: tiny networks, no result)"
    elif arguments.eval_only:
        said = " (given weights, nothing trained)"
    return dataclasses.replace(table, caption=f"{table.caption}{said}")


def _page(
    grid: "Grid",
    graph: "Graph",
    store: "Store",
    table: "Table",
    drawn: list["Drawn"],
    cost: "Table | None",
) -> str:
    from gdsweep import report
    from plots import style

    pictures = [
        report.Picture(
            one.title,
            one.caption,
            "image/svg+xml",
            one.figure.get_figwidth(),
            style.svg(one.figure),
        )
        for one in drawn
    ]
    receipts = {
        place: report.receipt(graph, grid, store, place) for place in range(len(grid.cells))
    }
    sources = list(dict.fromkeys(value.source for value in grid.published))
    return report.as_html(table, receipts, pictures, sources, cost)


def _command(grid: "Grid", arguments: argparse.Namespace) -> str:
    """The command that makes this grid's files, whatever else was collected with it."""
    words = ["python", "collect.py", str(grid.path)]
    if arguments.store != _usual_store(arguments):
        words += ["--store", str(arguments.store)]
    if arguments.out != Path("results"):
        words += ["--out", str(arguments.out)]
    for option in ("smoke", "eval_only", "html", "cost", "pseudo_labels"):
        words += [f"--{option.replace('_', '-')}"] if getattr(arguments, option) else []
    if arguments.panels:
        words += ["--panels", str(arguments.panels)]
    return shlex.join(words)


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
