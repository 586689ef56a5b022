"""Parameters and FLOPs of networks, and that counting them leaves no trace."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gdsweep.config import ModelSettings
from gdsweep.model import Mask2Former, MaskRCNN
from gdsweep.runs import Complexity, RunDir
from gdsweep.runs.records import read_record
from gdsweep.train.complexity import complexity, record_complexity

SMALL = {
    "weights": "random", "hidden": 32, "heads": 2, "queries": 8, "encoder_layers": 1,
    "encoder_feedforward": 32, "decoder_layers": 2, "decoder_feedforward": 32,
}  # fmt: skip


def make(backbone: str, **more: object) -> Mask2Former:
    torch.manual_seed(0)
    settings = ModelSettings.model_validate({**SMALL, "backbone": backbone, **more})
    return Mask2Former(settings, 8)


@pytest.mark.parametrize("backbone", ["test_resnet", "swin_test", "test_vit"])
def test_nothing_is_disturbed(backbone: str) -> None:
    network = make(backbone)
    network.train()
    network.pixel_decoder.eval()
    modes = [module.training for module in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = [torch.rand(3, 64, 96) * 255]
    with torch.no_grad():
        expected = make(backbone).eval()(images).layers[-1].class_logits
    state = torch.get_rng_state()
    found = complexity(network, (64, 96))
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    with torch.no_grad():
        again = network.eval()(images).layers[-1].class_logits
    assert torch.equal(again, expected)
    assert found.flops is not None
    assert found.flops > 1e6


def test_more_pixels_take_as_many_more_flops() -> None:
    network = make("test_resnet")
    small, large = complexity(network, (64, 64)), complexity(network, (128, 128))
    assert small.flops is not None
    assert large.flops is not None
    assert 3 < large.flops / small.flops < 5
    assert (small.parameters, small.size) == (large.parameters, (64, 64))


class Attention(nn.MultiheadAttention):
    """Self-attention between the pixels of an image."""

    def countable(self) -> nn.Module:
        return self

    def forward(self, images: list[torch.Tensor]) -> torch.Tensor:  # type: ignore[override]
        pixels = images[0].flatten(1).T[None]
        return super().forward(pixels, pixels, pixels)[0]


def test_the_products_of_attention_are_counted() -> None:
    found = complexity(Attention(3, 1, batch_first=True), (8, 9))  # type: ignore[arg-type]
    tokens, width = 8 * 9, 3
    projections, products = 4 * tokens * width**2, 2 * tokens**2 * width
    assert found.flops == 2 * (projections + products)


def test_parameters_and_those_that_are_trained() -> None:
    network = make("test_resnet", freeze_backbone=True)
    found = complexity(network, (64, 64))
    assert found.parameters == sum(p.numel() for p in network.parameters())
    own = sum(p.numel() for p in network.backbone.parameters())
    assert found.trainable <= found.parameters - own + 1e4  # norms behind the backbone are trained
    assert found.trainable < found.parameters


def test_mask_rcnn_with_a_fixed_number_of_proposals() -> None:
    """torchvision states 44,401,393 parameters for `maskrcnn_resnet50_fpn` on COCO."""
    settings = ModelSettings(architecture="mask-rcnn", backbone="resnet50", weights="random")
    network = MaskRCNN(settings, 90)
    found = complexity(network, (800, 800))
    assert found.parameters == 44_401_393
    assert found.flops is not None
    heads = 2 * 1000 * (256 * 49 * 1024 + 1024 * 1024 + 1024 * 91 * 5)
    masks = 2 * 100 * (4 * 14**2 * 256 * 256 * 9 + 28**2 * 256 * 256 + 28**2 * 256 * 91)
    body = found.flops - heads - masks
    # ResNet-50 takes 4.1 G multiply-adds at 224 x 224 (He et al., 2016); pyramid and RPN as much
    assert 1.5 < body / (2 * 4.1e9 * (800 / 224) ** 2) < 3.5


def test_what_cannot_be_counted_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make("test_resnet")

    def asks(features: object) -> None:
        raise RuntimeError("data-dependent")

    monkeypatch.setattr(network.pixel_decoder, "forward", asks)
    run = RunDir(tmp_path)
    record_complexity(run, network, (64, 64))
    record = read_record(run.network, Complexity)
    assert record.flops is None
    assert record.parameters == sum(p.numel() for p in network.parameters())
    # once a run
    record_complexity(run, nn.Identity(), (1, 1))  # type: ignore[arg-type]
    assert read_record(run.network, Complexity) == record
