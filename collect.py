"""Rebuild tables and figures from whatever has finished: `python collect.py grids/demo.yaml`."""

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdsweep.errors import BAD_INPUT, DONE, BadInput

if TYPE_CHECKING:
    from pandas import DataFrame

    from gdsweep.grid import Graph, Grid
    from gdsweep.runs import Store


def main(argv: list[str] | None = None) -> int:
    """Parse, collect, print; returns the exit code. Holes are shown and are no failure."""
    arguments = _parse(argv)
    try:
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
    return DONE


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="collect.py",
        description="Rebuild tables and figures from whatever has finished; holes say why.",
    )
    parser.add_argument(
        "grids", nargs="*", type=Path, metavar="GRID",
        help="grid files; every grid in grids/ that has runs in the store if none is given",
    )  # fmt: skip
    parser.add_argument(
        "--store", type=Path, help="folder of runs (default: runs; runs-smoke with --smoke)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="where to write (default: results)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--smoke", action="store_true", help="collect what launch --smoke trained")
    arguments = parser.parse_args(argv)
    arguments.store = arguments.store or _usual_store(arguments)
    return arguments


def _usual_store(arguments: argparse.Namespace) -> Path:
    return Path("runs-smoke" if arguments.smoke else "runs")


def _choose(arguments: argparse.Namespace) -> tuple[list[tuple["Grid", "Graph"]], list[str]]:
    """The grids to collect, and one line on each that is left out."""
    from gdsweep.grid import build_graph, load_grid
    from gdsweep.runs import Store

    store = Store(arguments.store)
    if store.root.exists() and not store.root.is_dir():
        raise BadInput(f"{store.root}: --store is not a folder")
    if arguments.grids:
        grids = [load_grid(path, smoke=arguments.smoke) for path in arguments.grids]
        names = [grid.name for grid in grids]
        for grid in grids:
            if names.count(grid.name) > 1:
                raise BadInput(
                    f"{grid.path}: another grid is called {grid.name} too; collect apart"
                )
        return [(grid, build_graph(grid.cells)) for grid in grids], []
    paths = sorted(Path("grids").glob("*.yaml"))
    if not paths:
        raise BadInput("grids: no grid files in this folder; name a grid file")
    chosen, left_out = [], []
    for path in paths:
        try:
            grid = load_grid(path, smoke=arguments.smoke)
            graph = build_graph(grid.cells)
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
    from gdsweep import report
    from gdsweep.runs import Store, atomic

    store, command = Store(arguments.store), _command(grid, arguments)
    frame = report.results(graph, grid, store)
    for line in dict.fromkeys(frame.loc[frame["status"] == "damaged", "why"]):
        print(f"{grid.name}: {line}", file=sys.stderr)
    table = report.build_table(frame, grid, command)
    if arguments.smoke:
        caption = f"{table.caption} (smoke test: tiny networks, no result)"
        table = dataclasses.replace(table, caption=caption)
    texts = {
        ".txt": report.as_text(table),
        ".md": report.as_markdown(table),
        ".tex": report.as_latex(table),
        ".csv": report.as_csv(frame, command),
    }
    stem = arguments.out / (f"{grid.name}-smoke" if arguments.smoke else grid.name)
    files = [stem.with_name(stem.name + suffix) for suffix in texts]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path, text in zip(files, texts.values(), strict=True):
            atomic.write_text(path, text)
        files += _draw(grid, graph, store, frame, stem, command)
    except OSError as error:
        raise BadInput(f"{arguments.out}: cannot be written ({error.strerror})") from None
    if not arguments.json:
        print(texts[".txt"])
        print("\n".join(f"wrote {path}" for path in files), end="\n\n")
    return {
        "grid": str(grid.path),
        "files": [str(path) for path in files],
        "cells": json.loads(frame.to_json(orient="records")),
    }


def _draw(
    grid: "Grid", graph: "Graph", store: "Store", frame: "DataFrame", stem: Path, command: str
) -> list[Path]:
    from gdsweep import report
    from plots import label_efficiency, style, training_curves

    files = []
    if grid.figure is not None:
        figure = label_efficiency.draw(
            report.series(frame, grid, grid.figure),
            *report.axis_labels(frame, grid, grid.figure),
            note=report.unfinished(frame, grid, grid.figure),
        )
        files += style.save(figure, stem, command)
    measured = report.curves(graph, grid, store)
    if not measured.empty:
        figure = training_curves.draw(measured)
        files += style.save(figure, stem.with_name(f"{stem.name}-curves"), command)
    return files


def _command(grid: "Grid", arguments: argparse.Namespace) -> str:
    """The command that makes this grid's files, whatever else was collected with it."""
    words = ["python", "collect.py", str(grid.path)]
    if arguments.store != _usual_store(arguments):
        words += ["--store", str(arguments.store)]
    if arguments.out != Path("results"):
        words += ["--out", str(arguments.out)]
    return shlex.join([*words, *(["--smoke"] if arguments.smoke else [])])


if __name__ == "__main__":
    # a terminal that knows only ASCII gets question marks, not a traceback
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main())
