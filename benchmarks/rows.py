"""A row of RESULTS.md as a benchmark prints it, and timing of alternatives in turn.

A program of this folder joins RESULTS.md by taking `--rows`: with it, it prints one JSON object a
line for each of its rows (`Row.print`), and may print anything else besides. `results.py` finds
such programs by that flag. Free of torch, so that what must not import it can be measured.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Least, median and greatest of repeated measurements of one thing."""

    least: float
    median: float
    greatest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one measurement; several hide what other work on the machine adds."""
        return cls(min(values), statistics.median(values), max(values), len(values))


@dataclass(frozen=True)
class Row:
    """What one row of RESULTS.md says."""

    work: str
    """What is measured, in words; names the row, with `device`."""
    unit: str
    """Of `ours` and `peer`: CPU-seconds, seconds, MiB, synchronisations a step, ..."""
    ours: Spread | None
    """None where it was not measured; `note` says why."""
    device: str = "CPU, 1 thread"
    """What computed: a GPU by its name."""
    peer: Spread | None = None
    """The same work of something else, measured in turn with ours."""
    peer_name: str = ""
    """What that is, with its version."""
    goal: float | None = None
    """The most that `value` may be."""
    parts: dict[str, float] = field(default_factory=dict)
    """Where ours goes, in `unit`, by name: printed where the goal is missed."""
    note: str = ""
    """What a reader has to know: sizes, what is simulated, why a goal is missed."""

    @property
    def value(self) -> float | None:
        """What the goal is for: ours over the peer's median, or ours where there is no peer."""
        if self.ours is None:
            return None
        return self.ours.median if self.peer is None else self.ours.median / self.peer.median

    def print(self) -> None:
        """Print the row as `results.py` reads it: one line."""
        print(json.dumps({"row": asdict(self)}), flush=True)


def read_row(line: str) -> Row | None:
    """The row that a line of a program's output holds; None for any other line."""
    if not line.startswith('{"row": '):
        return None
    found: dict[str, Any] = json.loads(line)["row"]
    for name in ("ours", "peer"):
        found[name] = None if found[name] is None else Spread(**found[name])
    return Row(**found)


def other_work() -> str:
    """What keeps wall time from being measured now, for a row's `note`; empty on an idle machine.

    A load above a quarter of the cores, over the last minute.
    """
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = f"not measured: the machine had other work, a load of {load:.1f} on {cores} cores"
    return busy if load > cores / 4 else ""


def in_turn(
    works: dict[str, Callable[[], Any]],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[float]]:
    """Measure alternatives in turn, so that other work on the machine touches all of them alike.

    Args:
        works: what is called, by name; each is called once before, unmeasured.
        repeats: calls of each that are measured.
        clock: CPU seconds of this process, which repeat to a few percent on a machine with other
            work; `time.perf_counter` for what other processes or a GPU compute.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            start = clock()
            work()
            if repeat:
                times[name].append(clock() - start)
    return times
