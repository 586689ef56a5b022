"""Weights of others that a run starts from or is taught by, and what of them is its identity."""

from dataclasses import dataclass
from pathlib import Path

from gdsweep.config import CellSettings, Objective
from gdsweep.config.weights_packages import WeightsPackage, weights_package
from gdsweep.runs import is_run, weights_digest, weights_files


@dataclass(frozen=True)
class GivenWeights:
    """One file, folder, run directory or package that a grid names."""

    setting: str
    """Dotted name of the setting."""
    path: str
    """As the setting has it, behind the grid's folder; a package's name and version."""
    network: str
    """Which network of a run directory is meant."""
    package: WeightsPackage | None = None
    """The package, where it is one."""

    @property
    def digest(self) -> str:
        """What it is, wherever it lies. Raises BadInput where it cannot be read.

        A package's content is known without it: a grid is planned and collected where the package
        is not installed, and training refuses another content.
        """
        if self.package is not None:
            return self.package.identity
        return weights_digest(self.path, self.network)

    @property
    def sha256(self) -> str:
        """Digest of the content alone. Raises BadInput where it cannot be read."""
        return self.package.sha256 if self.package is not None else self.digest

    @property
    def files(self) -> list[Path]:
        """What it is read from. Raises BadInput and OSError."""
        if self.package is not None:
            return [self.package.path()]
        return weights_files(self.path, self.network)

    @property
    def once_by_place(self) -> bool:
        """Whether identities of version 1 told it by something else than its weights.

        A file of backbone weights was its path, a run directory all its files, logs too.
        """
        if self.package is not None:
            return False
        return self.setting == "model.weights" or is_run(self.path)


def given_weights(settings: CellSettings, objective: Objective) -> list[GivenWeights]:
    """All weights of others that are named for a run. Raises BadInput for a package not known."""
    model, teacher = settings.model, settings.distillation.teacher
    named = [
        ("model.weights", model.weights_file, "student"),
        ("model.init", model.init, "student"),
    ]
    if objective == "guided":
        named.append(("distillation.teacher.init", teacher.init, teacher.network))
    given = [GivenWeights(setting, path, network) for setting, path, network in named if path]
    if model.weights == "package":
        package = weights_package(model.backbone)
        given.append(GivenWeights("model.weights", str(package), "student", package))
    return given
