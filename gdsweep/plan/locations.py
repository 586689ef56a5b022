"""Where the runs of a plan expect their data, and which of these places are not known here."""

from collections.abc import Iterable
from pathlib import Path

from gdsweep.config import RunConfig


def unknown_places(configs: Iterable[RunConfig], miniatures: Path) -> list[str]:
    """One line per data set whose files are not seen on this machine: its name and the place.

    A plan can be made without data, and a cluster's nodes may see what its login node does not.
    Nothing is said of `miniatures`, which a smoke launch writes itself.
    """
    found: dict[str, str] = {}
    for config in configs:
        data = config.settings.dataset
        place = data.place
        if place is None or data.name in found or data.lies_in(miniatures) or place.exists():
            continue
        found[data.name] = f"data of {data.name} not found on this machine: {place}{data.hint}"
    return list(found.values())
