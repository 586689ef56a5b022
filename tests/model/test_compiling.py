"""What `resources.compile` compiles."""

from typing import Any

import pytest

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import Network, build_network, timm_net

SMALL = {
    "weights": "random", "hidden": 16, "heads": 2, "queries": 4, "encoder_layers": 1,
    "encoder_feedforward": 16, "decoder_layers": 1, "decoder_feedforward": 16,
}  # fmt: skip


def network(**changes: Any) -> Network:
    return build_network(ModelSettings.model_validate({**SMALL, **changes}), 3)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"backbone": "test_resnet"}, "backbone.net"),
        ({"backbone": "test_vit"}, "backbone.net.blocks.0"),
        ({"backbone": "test_vit", "architecture": "eomt"}, "backbone.blocks.0"),
    ],
)
def test_the_backbone_is_compiled(
    changes: dict[str, Any], parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timm_net.shutil, "which", lambda name: f"/usr/bin/{name}")
    model = network(**changes)
    names = list(model.state_dict())
    model.compile_backbone()
    compiled = [name for name, m in model.named_modules() if m._compiled_call_impl is not None]
    assert parts in compiled
    assert all(name.startswith(parts.rstrip("0")) for name in compiled)
    assert list(model.state_dict()) == names  # checkpoints stay as they are


def test_what_cannot_be_compiled_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_net.shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match=r"resources\.compile: there is no C\+\+ compiler here"):
        network(backbone="test_resnet").compile_backbone()
    with pytest.raises(BadInput, match=r"resources\.compile: MaskRCNN is not compiled"):
        network(backbone="resnet18", architecture="mask-rcnn").compile_backbone()
