"""What a tracker is told of a grid: a run for every run directory, and one for the grid itself."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from gdsweep.errors import BadInput
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.report.collecting import Collected
from gdsweep.runs import RunDir, Score, ScoreRef, identity_digest, read_metrics
from gdsweep.runs.attempts import readable_attempts
from gdsweep.runs.records import read_record
from gdsweep.runs.state import read_state

Plain = str | int | float | bool
"""A value that every tracker can hold."""


@dataclass(frozen=True, kw_only=True)
class TrackedTable:
    """One of the grid's tables."""

    text: str
    """As it is printed."""
    markdown: str
    csv: str
    """The numbers behind it."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """One run as a tracker shows it."""

    name: str
    """Of the run directory, or the grid: never of two runs of one export."""
    group: str
    """The grid's name, by which trackers hold runs together."""
    started: float = 0.0
    """Unix time at which its first attempt began."""
    tags: dict[str, str]
    """Where it comes from: identity, commit, cells."""
    settings: dict[str, Plain] = field(default_factory=dict)
    """Every setting by its dotted name; lists as JSON, empty text for null."""
    curves: tuple[tuple[int, dict[str, float]], ...] = ()
    """Iterations, ascending, and what was measured at each, by detectron2's keys."""
    scores: dict[str, float] = field(default_factory=dict)
    """`test-best-student/AP` and its like: what the tables show."""
    tables: dict[str, TrackedTable] = field(default_factory=dict)
    """By the stem of their files."""
    pictures: tuple[Path, ...] = ()
    """PNG files; their stems are their names."""

    @property
    def last(self) -> int:
        """The last iteration at which something was measured; 0 without curves."""
        return self.curves[-1][0] if self.curves else 0


def tracked(collected: Collected, files: Iterable[Path]) -> list[TrackedRun]:
    """All runs behind a grid as far as they have begun, then the grid with its tables and pictures.

    `files` are all that was written of the grid. Left out are runs whose numbers the tables
    withhold: those that were trained on other data, or have a record that cannot be read
    (`Collected.damaged` and `Collected.outdated` say which).
    """
    request = collected.request
    withheld = cells_on_other_data(request.graph, request.store)
    needed = {
        need.trajectory.name
        for cell, needs in request.graph.needs.items()
        if cell not in withheld
        for need in needs
    }
    runs = []
    for name in request.graph.runs:
        run = request.store.run(name)
        if name in needed and run.exists():
            try:
                runs.append(_run(collected, run))
            except BadInput:
                continue  # collect tells of it: the run's cells are holes of the table
    return [*runs, _grid(collected, files)]


def _run(collected: Collected, run: RunDir) -> TrackedRun:
    graph = collected.request.graph
    trajectory, wanted = graph.runs[run.name], graph.wanted[run.name]
    attempts = readable_attempts(run)
    commits = dict.fromkeys(str(attempt.process.get("commit") or "") for attempt in attempts)
    tags = {
        "grid": collected.stem,
        "run": run.name,
        "identity": identity_digest(trajectory.identity),
        "status": read_state(run, wanted).status,
        "commit": ", ".join(filter(None, commits)),
        "parent": trajectory.config.parent.run if trajectory.config.parent else "",
        "cells": "; ".join(cell.label for cell, name, _ in graph.results if name == run.name),
    }
    return TrackedRun(
        name=run.name,
        group=collected.stem,
        started=attempts[0].started if attempts else 0.0,
        tags={key: text for key, text in tags.items() if text},
        settings=flattened(trajectory.config.settings.model_dump(mode="json")),
        curves=tuple(_curves(run, wanted.stop)),
        scores=_scores(run, [ref for _, name, ref in graph.results if name == run.name]),
    )


def _curves(run: RunDir, stop: int) -> Iterable[tuple[int, dict[str, float]]]:
    """What the grid asks for: another may have trained the run further."""
    for line in read_metrics(run.metrics):
        values = {
            key: float(value)
            for key, value in line.items()
            if key != "iteration" and is_number(value)
        }
        if values and line["iteration"] <= stop:
            yield line["iteration"], values


def _scores(run: RunDir, refs: Iterable[ScoreRef]) -> dict[str, float]:
    found: dict[str, float] = {}
    for ref in refs:
        try:
            score = read_record(run.score(ref), Score)
        except FileNotFoundError:
            continue
        measured = {**score.metrics, "iteration": score.iteration}
        found |= {f"{ref.key}/{name}": v for name, v in measured.items() if is_number(v)}
    return found


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number: trackers refuse others, or draw them as zero."""
    return isinstance(value, int | float) and math.isfinite(value)


def flattened(settings: dict[str, Any], before: str = "") -> dict[str, Plain]:
    """Nested settings by dotted names; lists as JSON, empty text for null."""
    found: dict[str, Plain] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            found |= flattened(value, f"{before}{key}.")
        elif isinstance(value, list | dict):
            found[before + key] = json.dumps(value)
        else:
            found[before + key] = "" if value is None else value
    return found


def _grid(collected: Collected, files: Iterable[Path]) -> TrackedRun:
    texts = collected.texts
    tables = {
        f"{collected.stem}{filed.end}": TrackedTable(
            text=texts[f"{filed.end}.txt"],
            markdown=texts[f"{filed.end}.md"],
            csv=texts[f"{filed.end}.csv"],
        )
        for filed in collected.tables
    }
    # a grid may be called as one of its runs: the dot is in no run's name
    return TrackedRun(
        name=f"grid.{collected.stem}",
        group=collected.stem,
        tags={"grid": collected.stem, "command": collected.main.table.command},
        tables=tables,
        pictures=tuple(sorted(path for path in files if path.suffix == ".png")),
    )
