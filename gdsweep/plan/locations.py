"""What the runs of a plan need that is not on this machine: their data, packages of weights."""

from collections.abc import Iterable
from pathlib import Path

from gdsweep.config import RunConfig
from gdsweep.grid.given_weights import given_weights


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


def missing_packages(configs: Iterable[RunConfig]) -> list[str]:
    """One line per package of weights that is not installed where the plan is made."""
    found: dict[str, None] = {}
    for config in configs:
        for weights in given_weights(config.settings, config.objective):
            if weights.package is not None and weights.package.installed is None:
                found[f"{weights.package} is not installed here; {weights.package.advice}"] = None
    return list(found)
