"""What takes how much room in a store, and what may go without anything trained being lost."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from gdsweep.grid import Graph
from gdsweep.plan.planning import make_plan
from gdsweep.runs import RunDir, Store, lock

Freeable = Literal["states", "runs"]
"""`states`: complete states (weights, average, optimiser) of finished runs that nothing unfinished
starts from; scores, scored weights and predictions stay. `runs`: whole runs that no grid named
here wants."""

FREEABLE: tuple[Freeable, ...] = get_args(Freeable)


@dataclass(frozen=True)
class Room:
    """One kind of files in a store."""

    what: str
    """In words."""
    size: int
    """Bytes."""
    paths: tuple[Path, ...]
    """Files, or run directories."""
    freeable: Freeable | None = None
    """Word by which it is freed; None for what is needed."""


def disk_use(graph: Graph, store: Store, busy: Collection[str] = ()) -> list[Room]:
    """What a store holds, beside what `graph` wants of it. Reads only.

    `busy` are runs with a pending or running job: nothing of theirs may go. Raises BadInput.
    """
    plan = make_plan(graph, store)
    needed = {
        store.run(source.run).state(source.at)
        for run in plan.runs.values()
        if run.status != "done"
        for source in run.sources
        if isinstance(source.at, int)
    }
    free: list[Path] = []
    kept: list[Path] = []
    strangers: list[Path] = []
    other: list[Path] = []
    for run in _runs(store):
        held = run.name in busy or lock.is_held(run.lock)
        if run.name not in graph.runs:
            (kept if held else strangers).append(run.path)
            continue
        done = plan.runs[run.name].status == "done" and not held
        states = [run.state(n) for n in run.states()]
        states += [run.unscored_state(n) for n in run.unscored_states()]
        for path in states:
            (free if done and path not in needed else kept).append(path)
        other += [path for path in run.path.rglob("*") if path.is_file() and path not in states]
    rooms = [
        _room("states of finished runs", free, "states"),
        _room("runs that these grids do not want", strangers, "runs"),
        _room("states that runs go on or start from", kept),
        _room("weights, scores, predictions and logs of these grids' runs", other),
        _room("snapshots of code, data in miniature and records of jobs", _rest(store)),
    ]
    return [room for room in rooms if room.paths]


def free_disk(rooms: Collection[Room], words: Collection[Freeable]) -> int:
    """Remove what goes by `words`; returns the bytes. Raises OSError where it cannot."""
    total = 0
    for room in rooms:
        if room.freeable not in words:
            continue
        for path in room.paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        total += room.size
    return total


def disk_lines(rooms: Collection[Room], listed: int = 12) -> list[str]:
    """Rooms as text, the runs that may go by name if they are few."""
    lines = [f"{in_words(sum(room.size for room in rooms))} in all"]
    for room in rooms:
        advice = f"  --free {room.freeable}" if room.freeable else ""
        lines.append(f"{in_words(room.size):>10}  {len(room.paths):,} x {room.what}{advice}")
        if room.freeable == "runs":
            lines += [f"{'':12}{path.name}" for path in room.paths[:listed]]
            more = len(room.paths) - listed
            lines += [f"{'':12}... and {more:,} more"] if more > 0 else []
    return lines


def in_words(size: int) -> str:
    """Bytes as people say them: `1.5 GiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:,.3g} TiB"


def _room(what: str, paths: list[Path], freeable: Freeable | None = None) -> Room:
    return Room(what, sum(map(_size, paths)), tuple(paths), freeable)


def _runs(store: Store) -> list[RunDir]:
    if not store.root.is_dir():
        return []
    runs = (store.run(path.name) for path in sorted(store.root.iterdir()) if path.is_dir())
    return [run for run in runs if run.exists()]


def _rest(store: Store) -> list[Path]:
    if not store.root.is_dir():
        return []
    return [path for path in sorted(store.root.iterdir()) if not store.run(path.name).exists()]


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(_size(entry) for entry in path.iterdir() if not entry.is_symlink())
        return path.lstat().st_size
    except OSError:
        return 0  # gone meanwhile, or not ours to see
