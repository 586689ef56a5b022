"""Measured seconds per iteration: what a run will cost, from what its kind has cost."""

import contextlib
import json
import os
import statistics
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from gdsweep.config import BatchSettings, ModelSettings, ResourceSettings, RunConfig
from gdsweep.runs import RunDir, Store

TAIL = 64 * 1024
"""Bytes read from the end of a metrics.json."""
SIBLINGS = 5
"""Runs of a kind that are measured."""
STRANGERS = 200
"""Runs outside the graph that are looked at, the newest first."""

_TELLING_RESOURCES = {
    *("nodes", "gpus", "cpus", "device", "workers"),
    *("attention", "deformable_attention", "deterministic", "activation_checkpointing"),
    *("compile", "cudnn_benchmark", "channels_last"),
}

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def kind(config: RunConfig, teacher: RunConfig | None = None) -> str:
    """Key of all that decides the seconds of an iteration, and nothing else.

    `teacher` is the run that teaches: its network is told where it is another one (the key then
    begins as that of a student whose teacher is like itself).
    """
    settings = config.settings
    parts = {
        "objective": config.objective,
        "dataset": (settings.dataset.name, settings.dataset.format),
        "crop": settings.augmentation.crop,
    }
    sections = (_text(settings.model), _text(settings.batch), _resources(settings.resources))
    key = json.dumps(parts, sort_keys=True) + "".join(sections)
    if teacher is None or teacher.settings.model.backbone == settings.model.backbone:
        return key
    return key + _text(teacher.settings.model)


@lru_cache(maxsize=4096)
def _text(settings: ModelSettings | BatchSettings) -> str:
    return json.dumps(settings.model_dump(), sort_keys=True)


@lru_cache(maxsize=4096)
def _resources(settings: ResourceSettings) -> str:
    return json.dumps(settings.model_dump(include=_TELLING_RESOURCES), sort_keys=True)


def seconds_per_iteration(
    store: Store, graph: Iterable[RunConfig], needed: set[str]
) -> dict[str, float]:
    """Median seconds per iteration of each `needed` kind that the store has measured.

    Runs of the graph are asked first, then the newest others of the store.
    """
    measurements: dict[str, list[float]] = {}
    own = {config.run: config for config in graph}
    runs = [run for run in _existing(store) if run.metrics.exists()]
    for run in runs:
        if run.name in own:
            config = own[run.name]
            teacher = own.get(config.teacher.run) if config.teacher else None
            _add(measurements, needed, run, kind(config, teacher))
    if needed - measurements.keys():
        for run in [run for run in runs if run.name not in own][:STRANGERS]:
            # a stranger that cannot be read measures nothing; its own grid will complain
            with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
                _add(measurements, needed, run, _strangers_kind(run, needed))
    return {name: statistics.median(values) for name, values in measurements.items()}


def _strangers_kind(run: RunDir, needed: set[str]) -> str:
    config = _config(run)
    name = kind(config)
    if config.teacher is None or not any(key.startswith(name) for key in needed):
        return name  # its teacher's network does not matter
    return kind(config, _config(run.sibling(config.teacher.run)))


def _add(measurements: dict[str, list[float]], needed: set[str], run: RunDir, name: str) -> None:
    if name in needed and len(measurements.get(name, ())) < SIBLINGS:
        seconds = measured(run.metrics)
        if seconds is not None:
            measurements.setdefault(name, []).append(seconds)


def measured(metrics: Path) -> float | None:
    """Median `time` of the last lines of a metrics.json; None where none is logged."""
    times = [line["time"] for line in tail(metrics) if isinstance(line.get("time"), (int, float))]
    return statistics.median(times) if times else None


def tail(metrics: Path, size: int = TAIL, holding: bytes = b"") -> list[dict[str, Any]]:
    """The last lines of a metrics.json, unmerged; empty where none can be read.

    With `holding` only lines that contain it are parsed.
    """
    try:
        with open(metrics, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - size))
            return parse_lines(file.read(), holding)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        return []


def parse_lines(content: bytes, holding: bytes = b"") -> list[dict[str, Any]]:
    """JSON objects, one a line; half lines at either end are left out."""
    lines = []
    for line in (line for line in content.splitlines() if holding in line):
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                lines.append(value)
    return lines


def _existing(store: Store) -> list[RunDir]:
    try:
        entries = [e for e in os.scandir(store.root) if not e.name.startswith(".") and e.is_dir()]
        entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    except FileNotFoundError:
        return []
    return [store.run(entry.name) for entry in entries]


def _config(run: RunDir) -> RunConfig:
    return RunConfig.model_validate(yaml.load(run.config.read_text(), Loader=_Loader))
