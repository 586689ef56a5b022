"""The trackers that runs can be exported to: one entry each, and one file each."""

import contextlib
import os
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.errors import BadInput

if TYPE_CHECKING:
    from gdsweep.export.tracked import TrackedRun

Writer = Callable[[Sequence["TrackedRun"], Path, Path], None]
"""Writes runs into an empty folder; the last path is where that folder will lie when it is whole.
"""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """A tracker, and how its offline files are written."""

    packages: tuple[str, ...]
    """Modules that writing needs."""
    install: str
    """What pip is told to install them."""
    writer: str
    """The `Writer`, as `module:function`; imported when it is called."""
    folder: str
    """Name of the folder of each run, so that only those that changed are written; empty where all
    are in one."""
    then: str
    """The command that shows or synchronises the files in `{folder}`."""

    @property
    def missing(self) -> list[str]:
        """Those of its packages that are not installed."""
        return [package for package in self.packages if not _is_installed(package)]

    def write(self, runs: Sequence["TrackedRun"], folder: Path, home: Path) -> None:
        """Write the runs; see `Writer`.

        Raises:
            BadInput: packages that are there and do not go together.
        """
        try:
            writer: Writer = pkgutil.resolve_name(self.writer)
            writer(runs, folder, home)
        except ImportError as error:
            raise BadInput(
                f"--export: {self.packages[0]} cannot be imported ({error}); "
                f"pip install --upgrade {self.install}"
            ) from None


TRACKERS = {
    "tensorboard": Tracker(
        packages=("tensorboard",),
        install="tensorboard",
        writer="gdsweep.export.to_tensorboard:write",
        folder="{run}",
        then="tensorboard --logdir {folder}",
    ),
    "wandb": Tracker(
        packages=("wandb",),
        install="wandb",
        writer="gdsweep.export.to_wandb:write",
        folder="offline-run-{run}",  # `wandb sync` passes over others: they were online
        then="wandb sync {folder}",
    ),
    "mlflow": Tracker(
        packages=("mlflow", "sqlalchemy", "alembic"),
        install="mlflow-skinny sqlalchemy alembic",
        writer="gdsweep.export.to_mlflow:write",
        folder="",
        then="mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db",
    ),
}
"""By what `collect.py --export` is told."""


def require(names: Sequence[str]) -> None:
    """Raise BadInput, with the command that installs it, where a tracker's package is missing."""
    for name in names:
        tracker = TRACKERS[name]
        if tracker.missing:
            raise BadInput(
                f"--export {name}: {', '.join(tracker.missing)} cannot be imported; "
                f"pip install {tracker.install}"
            )


def _is_installed(package: str) -> bool:
    spec = find_spec(package)
    # a folder that wandb made for its runs beside a script can be imported, too: as a namespace
    return spec is not None and spec.origin is not None


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables as they are to be while a tracker writes."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
