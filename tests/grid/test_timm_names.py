import subprocess
import sys

import pytest

from gdsweep.grid import timm_names
from gdsweep.grid.names import backbone_names
from gdsweep.grid.presets import backbone
from gdsweep.grid.timm_names import architectures, is_timm_name


@pytest.mark.slow
def test_they_are_timms_own() -> None:
    timm = pytest.importorskip("timm")
    # the small Swin of smoke runs is ours, registered with timm by the model room
    assert architectures() == set(timm.list_models()) - {"swin_test"}
    pretrained = set(timm.list_models(pretrained=True))
    assert {backbone(name).timm for name in backbone_names()} <= pretrained


def test_neither_timm_nor_torch_is_imported() -> None:
    code = """
import sys
from gdsweep.grid.timm_names import architectures
architectures()
print(sorted({"torch", "timm"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "name", ["resnet50", "test_resnet", "resnet50.any_tag", "hf-hub:someone/a-net.b"]
)
def test_names(name: str) -> None:
    assert is_timm_name(name)


@pytest.mark.parametrize(
    "name", ["", "resnet51", "ResNet50", "a b", "a/b", "resnet50.a.b", "50", "../x", "hf-hub:a"]
)
def test_no_names(name: str) -> None:
    assert not is_timm_name(name)


def test_without_timm_the_look_of_a_name_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_names, "architectures", frozenset)
    assert is_timm_name("resnet51")
    assert not is_timm_name("res net")
