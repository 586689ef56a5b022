"""Weights of others that a run starts from or is taught by, and what of them is its identity."""

from dataclasses import dataclass
from pathlib import Path

from gdsweep.config import CellSettings, Objective
from gdsweep.runs import is_run, weights_digest, weights_files


@dataclass(frozen=True)
class GivenWeights:
    """One file, folder or run directory that a grid names."""

    setting: str
    """Dotted name of the setting."""
    path: str
    """As the setting has it, behind the grid's folder."""
    network: str
    """Which network of a run directory is meant."""

    @property
    def digest(self) -> str:
        """What it is, wherever it lies. Raises BadInput where it cannot be read."""
        return weights_digest(self.path, self.network)

    @property
    def files(self) -> list[Path]:
        """What it is read from. Raises BadInput and OSError."""
        return weights_files(self.path, self.network)

    @property
    def once_by_place(self) -> bool:
        """Whether identities of version 1 told it by something else than its weights.

        A file of backbone weights was its path, a run directory all its files, logs too.
        """
        return self.setting == "model.weights" or is_run(self.path)


def given_weights(settings: CellSettings, objective: Objective) -> list[GivenWeights]:
    """All weights of others that are named for a run."""
    model, teacher = settings.model, settings.distillation.teacher
    named = [
        ("model.weights", model.weights_file, "student"),
        ("model.init", model.init, "student"),
    ]
    if objective == "guided":
        named.append(("distillation.teacher.init", teacher.init, teacher.network))
    return [GivenWeights(setting, path, network) for setting, path, network in named if path]
