"""What the page draws only when it is asked for, as JSON: receipts, runs and curves."""

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from gdsweep.plots.training_curves import MEASURES
from gdsweep.report.curves import CURVES
from gdsweep.report.receipts import Facts, Receipt, RunReceipt

Fact = list[str]
"""Label, text and, where it is a file that is there, its address relative to the page."""


def details(
    receipts: Mapping[int, Receipt], curves: pd.DataFrame | None, folder: Path
) -> dict[str, Any]:
    """Plain values: `cells` by place, `runs` by name, `measures` and `curves`.

    `curves` are those of `report.curves`; `folder` is where the page will lie, for its links. Texts
    are as they are: the page's scripts put them into the document as text, never as markup.
    """
    runs = {run.name: run for receipt in receipts.values() for _, run in receipt.chain}
    cells = {
        str(place): {
            "label": receipt.label,
            "value": receipt.value,
            "facts": _facts(receipt.facts, receipt.files, folder),
            "chain": [[part, run.name] for part, run in receipt.chain],
        }
        for place, receipt in receipts.items()
    }
    return {
        "cells": cells,
        "runs": {name: _run(run, folder) for name, run in runs.items()},
        "measures": [[list(keys), " ".join(label.split())] for keys, label in MEASURES],
        "curves": _curves(curves) if curves is not None else [],
    }


def as_script(content: Any) -> str:
    """JSON that can stand inside a `<script>`: nothing in it ends it or opens a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _run(run: RunReceipt, folder: Path) -> dict[str, Any]:
    return {
        "facts": _facts(run.facts, run.files, folder),
        "attempts": list(run.attempts),
        "spent": str(run.hours),
        "processor_hours": round(run.hours.gpu_hours + run.hours.cpu_hours, 4),
    }


def _facts(facts: Facts, files: Facts, folder: Path) -> list[Fact]:
    """Facts with a link where they name a file, then the files that no fact names."""
    there = dict(files)
    told = [
        [label, text, *([_address(there.pop(label), folder)] if label in there else [])]
        for label, text in facts
    ]
    return told + [[label, path, _address(path, folder)] for label, path in there.items()]


def _address(path: str, folder: Path) -> str:
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def _curves(curves: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry per cell's path: its names and, of each measure, iterations and values."""
    keys = ["panel", "line", "seed", "network"]
    seeds = curves.groupby(["panel", "line"])["seed"].nunique()
    several = bool((seeds > 1).any())
    found = []
    for (panel, line, seed, network), path in curves.groupby(keys, sort=False):
        name = f"{line}, seed {seed}" if several else str(line)
        burn_in = path["burn_in"].iloc[0]
        found.append(
            {
                "panel": panel,
                "name": name,
                "run": path["run"].iloc[-1],
                "network": network,
                "burn_in": None if math.isnan(burn_in) else int(burn_in),
                "of": {
                    key: values
                    for key in CURVES
                    if (values := _points(path["iteration"], path[key]))[0]
                },
            }
        )
    return found


def _points(iterations: Iterable[float], values: Iterable[float]) -> list[list[float]]:
    """Iterations and values where something was measured, to four digits that count."""
    known = [(x, y) for x, y in zip(iterations, values, strict=True) if y is not None and y == y]
    return [[round(float(x)) for x, _ in known], [float(f"{y:.4g}") for _, y in known]]
