"""Writing an export: what has not changed stays, what has is replaced whole."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.export.tracked import TrackedRun, tracked
from gdsweep.export.trackers import TRACKERS, Tracker
from gdsweep.report.collecting import Collected

STAMP = "exported.json"
"""File in every exported folder that says what it holds."""


@dataclass(frozen=True)
class Export:
    """What was done for one tracker."""

    folder: Path
    runs: int
    """Runs in it, the grid's own included."""
    written: int
    """Those among them that were written now."""
    then: str
    """The command that shows or synchronises it."""

    def __str__(self) -> str:
        some = f", {self.written} of its {self.runs} runs" if self.written < self.runs else ""
        return f"exported {self.folder}{some}" if self.written else f"unchanged {self.folder}"


def export(
    collected: Collected, names: Sequence[str], folder: Path, files: Iterable[Path]
) -> list[Export]:
    """Write what was collected into `folder`/NAME for each of the named trackers.

    `files` are all that was written of the grid: its pictures are among them. Exported again, what
    is the same stays as it is, and runs that the grid no longer asks for are removed.

    Raises:
        BadInput: a folder that cannot be written, or holds something that was not exported.
    """
    runs = tracked(collected, files)
    try:
        return [_export(TRACKERS[name], runs, folder / name) for name in dict.fromkeys(names)]
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror or error})") from None


def _export(tracker: Tracker, runs: Sequence[TrackedRun], home: Path) -> Export:
    home.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    if tracker.folder:
        home.mkdir(exist_ok=True)
        homes = [home / tracker.folder.format(run=run.name) for run in runs]
        for run, place in zip(runs, homes, strict=True):
            written += _replace(tracker, [run], place, home.parent)
        for stamp in home.glob(f"*/{STAMP}"):
            if stamp.parent not in homes:
                shutil.rmtree(stamp.parent)
    elif _replace(tracker, runs, home, home.parent):
        written = len(runs)
    return Export(home, len(runs), written, tracker.then.format(folder=home))


def _replace(tracker: Tracker, runs: Sequence[TrackedRun], home: Path, beside: Path) -> bool:
    """Write runs into the folder `home`, whole or not at all, unless it holds just these already.

    The new folder is made in `beside`, which no tracker looks into. Returns whether it was written.
    """
    digest = _digest(tracker, runs, home)
    try:
        if json.loads((home / STAMP).read_bytes()) == {"digest": digest}:
            return False
    except (OSError, ValueError):
        if home.is_dir() and any(home.iterdir()) and not (home / STAMP).exists():
            raise BadInput(
                f"{home}: not written by --export ({STAMP} is missing); move it away, or name "
                "another folder with --export-dir"
            ) from None
    with tempfile.TemporaryDirectory(dir=beside, prefix=f".{home.name}.") as name:
        made, former = Path(name) / "new", Path(name) / "old"
        made.mkdir()
        tracker.write(runs, made, home)
        atomic.write_json(made / STAMP, {"digest": digest})
        if home.exists():
            os.rename(home, former)
        try:
            os.rename(made, home)
        except BaseException:
            if former.exists():
                os.rename(former, home)
            raise
    return True


def _digest(tracker: Tracker, runs: Sequence[TrackedRun], home: Path) -> str:
    """Of all that decides what is written: the runs, their pictures, the place, the code."""
    content = hashlib.sha256(f"{_code()}\0{home.absolute()}\0".encode())
    for package in tracker.packages:
        for distribution in sorted(set(packages_distributions().get(package, ()))):
            content.update(f"{distribution} {version(distribution)}\0".encode())
    for run in runs:
        content.update(f"{run!r}\0".encode())
        for picture in run.pictures:
            content.update(picture.read_bytes())
    return content.hexdigest()


@cache
def _code() -> str:
    content = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    return content.hexdigest()
