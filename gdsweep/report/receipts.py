"""The receipt of a number: which weights it is of, and everything that made them."""

import contextlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdsweep.config import SPLIT_NAMES, CheckpointRef, RunConfig
from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid
from gdsweep.grid.given_weights import given_weights
from gdsweep.plan.cells import cell_standing, unreadable
from gdsweep.plan.hours import AttemptHours, ProcessorHours, clock
from gdsweep.report.display import number
from gdsweep.report.results import SELECTIONS
from gdsweep.runs import (
    Attempt,
    RunDir,
    Score,
    ScoreRef,
    Store,
    checkpoint_file,
    identity_digest,
    is_named_by,
    read_dataset_record,
)

Facts = tuple[tuple[str, str], ...]
"""Labels and what is said of each, in reading order."""


TOLD = ("job", "python", "torch", "cuda", "nccl", "driver")
"""What an attempt's line tells of its process beside host, device and commit, where recorded."""


@dataclass(frozen=True)
class RunReceipt:
    """How one run came to be."""

    name: str
    facts: Facts
    attempts: tuple[str, ...]
    """One line each."""
    hours: ProcessorHours
    files: Facts = ()
    """What it is called and its path, of files that are there."""


@dataclass(frozen=True)
class Receipt:
    """Where one number comes from."""

    label: str
    """The cell in words."""
    value: str
    """`AP 37.5`, of each metric of the table, or why there is none."""
    facts: Facts
    """Checkpoint, rule, network, images, predictions."""
    chain: tuple[tuple[str, RunReceipt], ...]
    """The runs it is built on with their part in it, the scored one last."""
    files: Facts = ()
    """What it is called and its path, of files that are there."""

    @property
    def hours(self) -> ProcessorHours:
        """What all its runs took, those that other numbers share included."""
        return sum((run.hours for _, run in self.chain), ProcessorHours())


def receipts(graph: Graph, grid: Grid, store: Store) -> dict[int, Receipt]:
    """The receipts of all cells of the grid, by their place; a run they share is read once."""
    read: dict[str, RunReceipt] = {}
    return {place: receipt(graph, grid, store, place, read) for place in range(len(grid.cells))}


def receipt(
    graph: Graph, grid: Grid, store: Store, place: int, read: dict[str, RunReceipt] | None = None
) -> Receipt:
    """The receipt of the cell at `place` of the grid; told as far as the records go.

    `read` are receipts of runs by name, which it uses and adds to.
    """
    read = {} if read is None else read
    cell, name, ref = graph.results[place]
    run = store.run(name)
    standing = cell_standing(graph.needs[cell], ref, store)
    score, value = standing.score, standing.why
    if score is not None:
        value = ", ".join(
            f"{key} {_percent(score.metrics[key]) if key in score.metrics else 'not measured yet'}"
            for key in grid.table.metrics
        )
    chain = []
    for piece in graph.chain(cell):
        if piece.run not in read:
            read[piece.run] = run_receipt(graph, store, piece.run)
        chain.append((_part(graph, name, piece.run, piece.last), read[piece.run]))
    return Receipt(
        label=cell.label,
        value=value,
        facts=_facts(run, ref, score, graph.runs[name].config),
        chain=tuple(chain),
        files=_files(run, ref, score, graph.runs[name].config.settings.schedule.iterations),
    )


def run_receipt(graph: Graph, store: Store, name: str) -> RunReceipt:
    """How the run `name` came to be; what cannot be read is said in its place."""
    run, config = store.run(name), graph.runs[name].config
    try:
        hours = AttemptHours(run)
        lines = tuple(_attempt(attempt, *hours.wall(attempt)) for attempt in hours.attempts)
        total, commit = hours.total, _commits(hours.attempts)
    except (BadInput, OSError) as error:
        lines, total, commit = (unreadable(error),), ProcessorHours(estimated=True), "unknown"
    facts = (
        ("objective", _objective(config, graph.wanted[name].stop)),
        ("labels", _labels(run, config)),
        ("data", _data(run, config)),
        ("seed", str(config.settings.seed)),
        *_given(run, config),
        ("identity", _identity(run)),
        ("code", commit),
        ("spent", str(total)),
        ("log", str(run.log) if run.log.exists() else f"{run.log} (not there)"),
    )
    there = {"log": run.log, "settings": run.config, "metrics": run.metrics}
    return RunReceipt(name, facts, lines, total, _existing(there))


def _facts(run: RunDir, ref: ScoreRef, score: Score | None, config: RunConfig) -> Facts:
    settings = config.settings
    horizon = settings.schedule.iterations
    split = SPLIT_NAMES[settings.dataset.scored_split(ref.split)]
    facts = [
        ("checkpoint", _checkpoint(run, ref, horizon)),
        ("selection rule", SELECTIONS.get(str(ref.at), f"iteration {ref.at}")),
        ("network", ref.network),
    ]
    if score is not None:
        metrics = ", ".join(f"{name} {_percent(v)}" for name, v in score.metrics.items())
        predictions = str(run.recorded(score.predictions)) if score.predictions else "none kept"
        facts.insert(1, ("iteration", f"{score.iteration:,}"))
        facts += [
            ("split", f"{split}: {score.images:,} images, {score.instances:,} instances"),
            ("scores", metrics),
            ("predictions", predictions),
            ("record", str(run.score(ref))),
        ]
    return tuple(facts)


def _files(run: RunDir, ref: ScoreRef, score: Score | None, horizon: int) -> Facts:
    """Checkpoint, predictions and record behind a number, as far as they are there."""
    files = {}
    with contextlib.suppress(BadInput, OSError):  # the facts say what cannot be read
        files["checkpoint"] = checkpoint_file(run, ref.network, ref.at, horizon).path
    if score is not None:
        files["record"] = run.score(ref)
        if score.predictions:
            files["predictions"] = run.recorded(score.predictions)
    return _existing(files)


def _existing(files: Mapping[str, Path]) -> Facts:
    return tuple((label, str(path)) for label, path in files.items() if path.is_file())


def _percent(metric: float | None) -> str:
    return "n/a" if metric is None or math.isnan(metric) else number(metric)


def _checkpoint(run: RunDir, ref: ScoreRef, horizon: int) -> str:
    try:
        path = checkpoint_file(run, ref.network, ref.at, horizon).path
    except FileNotFoundError:
        return "not settled: the run has not reached its horizon"
    except (BadInput, OSError) as error:
        return f"none: {unreadable(error)}"
    return str(path) if path.exists() else f"{path} (not there)"


def _part(graph: Graph, scored: str, name: str, last: int) -> str:
    if name == scored:
        return "scored run" if last else "scored as it begins, nothing is trained"
    config = graph.runs[scored].config
    if config.initial is not None:
        if config.initial.run == name:
            return f"student that is fine-tuned, {_referred(config.initial)}"
        config = graph.runs[config.initial.run].config
    parent = config.parent
    if parent is not None and parent.run == name:
        return f"burn-in, to iteration {parent.at:,}"
    taught = [config.teacher]
    if parent is not None:
        taught.append(graph.runs[parent.run].config.teacher)
    for teacher in taught:
        if teacher is not None and teacher.run == name:
            return f"teacher, {_referred(teacher)}"
    return f"needed to iteration {last:,}"


def _referred(reference: CheckpointRef) -> str:
    at = reference.at
    return f"{reference.network} network, {f'iteration {at:,}' if isinstance(at, int) else at}"


def _objective(config: RunConfig, stop: int) -> str:
    if stop == 0:
        return "none: the given weights are scored"
    begin = config.parent.at if config.parent else 0
    before = config.parent or config.initial
    origin = f" from {before.run}" if before else ""
    horizon = config.settings.schedule.iterations
    return f"{config.objective}, iterations {begin:,} to {horizon:,}{origin}"


GIVEN = {
    "model.weights": "backbone weights",
    "model.init": "initial weights",
    "distillation.teacher.init": "teacher's weights",
}
"""Settings that name weights of others, in words."""


def _given(run: RunDir, config: RunConfig) -> Facts:
    """Weights of others that it starts from or is taught by, as they lay when they were read."""
    try:
        record = read_dataset_record(run)
    except (BadInput, OSError):
        record = None  # what can be said of the data says so
    facts = []
    for weights in given_weights(config.settings, config.objective):
        lay = record.given.get(weights.setting) if record else None
        text = weights.path
        if lay is not None:
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(lay.mtime))
            text = f"{lay.path}, {lay.size:,} bytes of {day}, sha256 {str(lay.sha256)[:16]}"
            if weights.package is not None:
                text = f"{weights.package}: {text}"
        facts.append((GIVEN[weights.setting], text))
    return tuple(facts)


def _labels(run: RunDir, config: RunConfig) -> str:
    labels, identity = config.settings.labels, _json(run.identity)
    said = f"{labels.percent:g} %, split seed {labels.seed}, {labels.sampler} sampler"
    listed = identity.get("labels", {}).get("list") if identity else None
    digest = listed or (_json(run.dataset) or {}).get("labelled_sha256")
    if digest is None:
        return f"{said}; the list itself is not recorded, it follows from percent and seed"
    return f"{said}, list sha256 {digest[:16]}"


def _data(run: RunDir, config: RunConfig) -> str:
    name = config.settings.dataset.name
    known = (_json(run.dataset) or {}).get("fingerprint")
    if not isinstance(known, dict):
        return f"{name}, annotations not recorded"
    return f"{name}: " + "; ".join(f"{part} {str(value)[:40]}" for part, value in known.items())


def _identity(run: RunDir) -> str:
    identity = _json(run.identity)
    if identity is None:
        return "not recorded"
    digest, fits = identity_digest(identity), is_named_by(run.name, identity)
    return f"sha256 {digest[:16]}" + ("" if fits else " (NOT that of the run's name)")


def _attempt(attempt: Attempt, hours: float, estimated: bool) -> str:
    """`1: done, iterations 0 to 600, 12.5 min, on host, cpu × 1, torch 2.10, ...`."""
    process = attempt.process
    reached = attempt.last_iteration if attempt.last_iteration is not None else "nowhere"
    count = process.get("processes", 1)
    reason = "" if not attempt.message else f" ({attempt.message})"
    parts = [
        f"{attempt.outcome or 'no end recorded'}{reason}",
        f"iterations {attempt.first_iteration} to {reached}",
        f"{'about ' if estimated else ''}{clock(hours)}",
        f"on {process.get('nodes') or process.get('host', 'an unknown host')}",
        f"{process.get('device', 'unknown device')} × {count}",
        *_memory(process.get("peak_memory")),
        *(f"{key} {process[key]}" for key in TOLD if process.get(key)),
        _code(process),
    ]
    return f"{attempt.number}: {', '.join(parts)}"


def _memory(peak: str | int | float | None) -> list[str]:
    return [f"{peak / 2**30:.2g} GiB at most"] if isinstance(peak, (int, float)) else []


def _commits(attempts: list[Attempt]) -> str:
    found = dict.fromkeys(_code(attempt.process) for attempt in attempts)
    return "; ".join(found) or "not recorded"


def _code(process: Mapping[str, str | int | float | None]) -> str:
    described, version = process.get("commit"), process.get("gdsweep")
    if not described:
        return f"gdsweep {version} as installed" if version else "commit not recorded"
    commit, dirty, _ = str(described).partition("-dirty")
    return f"commit {commit[:12]}{', with uncommitted changes' if dirty else ''}"


def _json(path: Any) -> dict[str, Any] | None:
    """A JSON object's content; None where there is none that can be read."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
