"""Where the runs of a plan expect their data, and which of these places are not known here."""

import os
from collections.abc import Iterable
from pathlib import Path

from gdsweep.config import CocoData, FileData, RunConfig
from gdsweep.config.data import CATALOG


def unknown_places(configs: Iterable[RunConfig], miniatures: Path) -> list[str]:
    """One line per data set whose files are not seen on this machine: its name and the place.

    A plan can be made without data, and a cluster's nodes may see what its login node does not.
    Nothing is said of `miniatures`, which a smoke launch writes itself.
    """
    found: dict[str, str] = {}
    for config in configs:
        data = config.settings.dataset
        if not isinstance(data, FileData) or miniatures in Path(data.root).parents:
            continue
        place = _place(data)
        if data.name not in found and not place.exists():
            unset = "DETECTRON2_DATASETS" in data.root and "DETECTRON2_DATASETS" not in os.environ
            hint = " (DETECTRON2_DATASETS is not set: `datasets` is taken for it)" if unset else ""
            found[data.name] = f"data of {data.name} not found on this machine: {place}{hint}"
    return list(found.values())


def _place(data: FileData) -> Path:
    given = data.train.annotations if isinstance(data, CocoData) else "gtFine"
    if given is None or given.startswith(CATALOG):
        return data.resolved("")  # the catalog knows the files' places
    return data.resolved(given)
