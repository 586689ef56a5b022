"""Backbones by timm's name, and what is said when one cannot be had."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.backbone import Backbone


def make(name: str = "test_resnet", **changes: Any) -> Backbone:
    return Backbone(ModelSettings(backbone=name, **{"weights": "random", **changes}))


@pytest.mark.parametrize(
    "name",
    ["test_resnet", "resnet10t", "test_convnext", "swin_tiny_patch4_window7_224", "swin_test"],
)
def test_maps_at_four_strides(name: str) -> None:
    backbone = make(name)
    maps = backbone(torch.randn(2, 3, 64, 96))
    sizes = [(64 // s, 96 // s) for s in (4, 8, 16, 32)]
    assert [tuple(x.shape) for x in maps] == [
        (2, c, h, w) for c, (h, w) in zip(backbone.channels, sizes, strict=True)
    ]


def test_statistics_are_timms() -> None:
    assert make("test_resnet").mean == pytest.approx((127.5,) * 3)
    assert make("resnet10t").mean == pytest.approx((123.675, 116.28, 103.53))
    assert make("resnet10t").std == pytest.approx((58.395, 57.12, 57.375))


def test_frozen_norm_has_fixed_statistics_and_no_parameters() -> None:
    backbone = make(norm="frozen")
    assert not any(isinstance(m, nn.BatchNorm2d) for m in backbone.modules())
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    backbone.train()(torch.randn(2, 3, 64, 64))[-1].sum().backward()
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())
    assert {n for n, _ in backbone.named_parameters() if "bn" in n} == set()


@pytest.mark.parametrize("norm", ["batch", "sync"])
def test_moving_statistics(norm: str) -> None:
    backbone = make(norm=norm)  # without processes on CUDA, sync is plain batch normalisation
    before = {k: v.clone() for k, v in backbone.named_buffers()}
    backbone.train()(torch.randn(2, 3, 64, 64))
    assert any(not torch.equal(v, before[k]) for k, v in backbone.named_buffers())


def test_sync_norm_where_processes_share_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gdsweep.model.backbone._processes_share_cuda", lambda: True)
    kinds = {type(m) for m in make(norm="sync").modules()}
    assert any(issubclass(kind, nn.SyncBatchNorm) for kind in kinds)
    assert not any(issubclass(kind, nn.BatchNorm2d) for kind in kinds)


def test_frozen_backbone_stays_put_in_training() -> None:
    backbone = make(freeze_backbone=True, norm="batch").train()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    maps = backbone(torch.randn(2, 3, 64, 64))
    assert not any(x.requires_grad for x in maps)
    assert not any(p.requires_grad for p in backbone.parameters())
    assert not any(m.training for m in backbone.net.modules())
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())


def test_drop_path() -> None:
    def rates(rate: float) -> list[float]:
        net = make("test_convnext", drop_path=rate).net
        return [m.drop_prob for m in net.modules() if type(m).__name__ == "DropPath"]

    assert max(rates(0.3)) == pytest.approx(0.3)
    assert max(rates(0.0), default=0.0) == 0
    with pytest.raises(BadInput, match="vgg11 has no stochastic depth"):
        make("vgg11", drop_path=0.3)


def test_same_seed_same_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(make().state_dict())
    assert all(torch.equal(v, states[1][k]) for k, v in states[0].items())


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_a_classifiers_file(tmp_path: Path, name: str, suffix: str) -> None:
    classifier = timm.create_model(name)
    path = tmp_path / f"weights{suffix}"
    save(classifier.state_dict(), path)
    net = make(name, weights=str(path), norm="batch").net.eval()
    wanted = classifier.eval().forward_intermediates(
        image := torch.randn(1, 3, 64, 64), intermediates_only=True
    )
    torch.testing.assert_close(net(image)[-1], wanted[-1], rtol=1e-4, atol=1e-5)


def save(state: dict[str, torch.Tensor], path: Path) -> None:
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path)


def refusal(**changes: Any) -> str:
    with pytest.raises(BadInput) as caught:
        make(**changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_unknown_names_name_the_nearest() -> None:
    assert "resnet50" in refusal(name="resnet5O")
    assert "nearest" in refusal(name="resnet50.a1_in1q")
    assert "a1_in1k" in refusal(name="resnet50.a1_in1q")
    assert "hf_hub:a/b" in refusal(name="hf_hub:a/b")


def test_unsuitable_models_say_what_is_needed() -> None:
    assert "strides 16 only" in refusal(name="test_vit")
    assert "strides 4, 8, 16 and 32" in refusal(name="test_vit")
    assert "any size" in refusal(name="maxvit_tiny_rw_224")


def test_missing_and_broken_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(weights=str(tmp_path / "none.pth"))
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"not weights")
    assert "cannot be read as weights" in refusal(weights=str(broken))


def test_files_that_run_code_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "object.pth"
    torch.save({"state_dict": Path("anything")}, path)
    assert "cannot be read as weights" in refusal(weights=str(path))


def test_weights_of_another_network(tmp_path: Path) -> None:
    state = timm.create_model("test_resnet").state_dict()
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in state.items() if not k.startswith("layer4")}, path)
    assert "does not fit test_resnet: it misses layer4" in refusal(weights=str(path))
    torch.save(state | {"conv1.0.weight": torch.zeros(3, 3)}, path)
    assert "another shape of conv1.0.weight" in refusal(weights=str(path))
    torch.save(state | {"layer3.7.conv1.weight": torch.zeros(3, 3)}, path)
    assert "also has layer3.7.conv1.weight" in refusal(weights=str(path))


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("We could not reach the hub\nwith a long story")

    monkeypatch.setattr(timm, "create_model", unreachable)
    message = refusal(weights="pretrained")
    assert "pretrained weights of test_resnet cannot be had (We could not reach the hub)" in message
    assert "random or a local file" in message
