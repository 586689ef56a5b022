"""The data sets of a smoke launch, written before its first run starts."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gdsweep.errors import BadInput
from gdsweep.plan.plan import PlannedRun
from gdsweep.runs import Store

_DATA = "gdsweep.data"
_HERE = Path(__file__).resolve().parents[2]


def write_miniatures(store: Store, runs: Sequence[PlannedRun]) -> None:
    """Write data sets in miniature where one of the runs reads them from the store.

    By a process of its own: drawing needs what planning does without (torch, for one). Raises
    BadInput where they cannot be written.
    """
    folder = store.miniatures
    data = [run.config.settings.dataset for run in runs]
    if all((folder / d.format).exists() for d in data if d.lies_in(folder)):
        return
    written = subprocess.run(
        [sys.executable, "-m", _DATA, "miniatures", str(folder)],
        cwd=_HERE,
        capture_output=True,
        text=True,
    )
    if written.returncode:
        last = (written.stderr.strip().splitlines() or ["no reason was told"])[-1]
        why = last.removeprefix(f"python -m {_DATA}: ")
        raise BadInput(f"{folder}: the data sets in miniature cannot be written: {why}")
