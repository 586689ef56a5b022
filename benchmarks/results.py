"""Run the benchmarks and write RESULTS.md: `make bench`, or `python benchmarks/results.py NAME`.

Every program of this folder that takes `--rows` is run, each in a process of its own, one after
another. Its rows go to results.jsonl with the commit, the machine and the versions they were
measured with; RESULTS.md is written from there. Rows of programs that are not run, or that another
device measured, stay.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rows import Row, Spread, read_row

HERE = Path(__file__).resolve().parent
PACKAGES = ("torch", "timm", "numpy", "pillow", "pycocotools", "transformers", "triton", "xformers")
INTRODUCTION = """\
# Results of the benchmarks

Written by `make bench` (`python benchmarks/results.py`) from `results.jsonl`; not by hand. A row
is ours and, where there is one, the peer, measured in turn in one process tree: median, and in
brackets least and greatest. *value* is ours over the peer, or ours alone; *goal* the most it may
be. What no GPU has measured says so. The programs and how to add one: [README.md](README.md).
"""
HEAD = """
| work | ours | peer | value | goal | |
|---|---|---|---|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", help="which to run; all, by default")
    parser.add_argument("--folder", type=Path, default=HERE, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="run none, only write RESULTS.md")
    options = parser.parse_args(arguments)
    known = programs(options.folder)
    unknown = {*options.programs} - known.keys()
    if unknown:
        print(f"no benchmark is called {min(unknown)}; valid: {', '.join(known)}", file=sys.stderr)
        return 2
    store = options.folder / "results.jsonl"
    entries = (
        [json.loads(line) for line in store.read_text().splitlines()] if store.exists() else []
    )
    failed = []
    for name in [] if options.write else options.programs or known:
        print(f"{name} ...", flush=True)
        new = run(name, known[name])
        if new is None:
            failed.append(name)
            continue
        entries = merged(entries, new)
        store.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (options.folder / "RESULTS.md").write_text(page(entries))
    if failed:
        print(f"failed: {', '.join(failed)}; their earlier rows stay", file=sys.stderr)
    return 1 if failed else 0


def programs(folder: Path) -> dict[str, Path]:
    """Programs that take `--rows`, by name."""
    own = {"rows", "results"}
    found = (path for path in sorted(folder.glob("*.py")) if path.stem not in own)
    return {path.stem: path for path in found if '"--rows"' in path.read_text()}


def run(name: str, path: Path) -> list[dict[str, Any]] | None:
    """A program's rows with where they come from; None where it failed or printed none."""
    start, measured = time.perf_counter(), commit()
    paths = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, path, "--rows"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
    )
    rows = [row for row in map(read_row, ended.stdout.splitlines()) if row is not None]
    if ended.returncode or not rows:
        print(f"{name}: exit code {ended.returncode}, {len(rows)} rows", file=sys.stderr)
        return None
    made = {
        "program": name,
        "seconds": round(time.perf_counter() - start, 1),
        "commit": measured,
        "machine": machine(),
        "versions": versions(),
    }
    return [{**made, "row": asdict(row)} for row in rows]


def merged(old: Iterable[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All entries, new ones in place of those of the same program, row and device."""

    def key(entry: dict[str, Any]) -> tuple[str, str, str]:
        return entry["program"], entry["row"]["work"], entry["row"]["device"]

    # what a device has measured is not replaced by a line that says nobody has
    measured = {key(entry)[:2] for entry in old if entry["row"]["ours"] is not None}
    taken = [e for e in new if e["row"]["ours"] is not None or key(e)[:2] not in measured]
    fresh = {key(entry) for entry in taken}
    filled = {key(entry)[:2] for entry in taken if entry["row"]["ours"] is not None}
    kept = [
        entry
        for entry in old
        if key(entry) not in fresh
        and not (entry["row"]["ours"] is None and key(entry)[:2] in filled)
    ]
    return sorted(kept + taken, key=lambda entry: entry["program"])


def page(entries: list[dict[str, Any]]) -> str:
    """RESULTS.md: a table a program, where it was measured, and goals missed with their parts."""
    text = INTRODUCTION
    rows = [(entry, read_row(json.dumps({"row": entry["row"]}))) for entry in entries]
    pairs = [(entry, row) for entry, row in rows if row is not None]
    for name in dict.fromkeys(entry["program"] for entry, _ in pairs):
        own = [(entry, row) for entry, row in pairs if entry["program"] == name]
        text += f"\n## `python benchmarks/{name}.py`\n" + HEAD
        text += "".join(table_line(row) for _, row in own)
        notes = [f"- {row.work}: {row.note}" for _, row in own if row.note]
        text += "\n" + "\n".join(notes) + "\n" if notes else ""
        for where in dict.fromkeys(provenance(entry) for entry, _ in own):
            text += f"\n{where}\n"
    missed = [row for _, row in pairs if misses(row)]
    text += "\n## Goals missed\n\n" if missed else ""
    for row in missed:
        text += f"- **{row.work}**: {number(row.value)} where {number(row.goal)} is the goal."
        parts = ", ".join(f"{name} {number(part)}" for name, part in row.parts.items())
        text += f" Of {number(row.ours.median if row.ours else None)} {row.unit}: {parts}." * bool(
            parts
        )
        text += "\n"
    return text


def table_line(row: Row) -> str:
    """One line of a table."""
    unit = row.unit if row.device == "CPU, 1 thread" else f"{row.unit}; {row.device}"
    peer = f"{spread(row.peer)}, {row.peer_name}" if row.peer else ""
    if row.ours is None:
        ours, verdict = "not measured", ""
    else:
        ours = f"{spread(row.ours)} {unit}"
        verdict = "" if row.goal is None else "**missed**" if misses(row) else "met"
    cells = (row.work, ours, peer, number(row.value), number(row.goal), verdict)
    return f"| {' | '.join(cells)} |\n"


def misses(row: Row) -> bool:
    """Whether a goal was measured and missed."""
    return row.goal is not None and row.value is not None and row.value > row.goal


def spread(found: Spread | None) -> str:
    """Median with least and greatest."""
    if found is None:
        return ""
    if found.count == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.least)}-{number(found.greatest)})"


def number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def provenance(entry: dict[str, Any]) -> str:
    """Where, when and with what rows were measured."""
    names = ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
    return f"Commit {entry['commit']}, {entry['machine']}; {names}; took {entry['seconds']:g} s."


def commit() -> str:
    """The commit that is measured; `+` where files differ from it."""
    asked = ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--abbrev=7"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return said or "unknown"


def machine() -> str:
    """Processor, number of cores and load, and the GPU where there is one."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    gpu = subprocess.run(
        "nvidia-smi --query-gpu=name --format=csv,noheader",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    gpus = ", ".join(sorted({*gpu.stdout.splitlines()})) if gpu.returncode == 0 else ""
    load = f"load {os.getloadavg()[0]:.1f}"
    return f"{name}, {os.cpu_count()} cores, {load}" + (f", {gpus}" if gpus else ", no GPU")


def versions() -> dict[str, str]:
    """Of Python and the packages that a measurement depends on, where they are installed."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
