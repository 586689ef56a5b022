"""DINOv3: sizes as published, rotary positions, and Meta's own names in files."""

import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.grid.presets import backbone
from gdsweep.interop.initial import load_initial
from gdsweep.model import build_network
from gdsweep.model.backbone import Backbone
from gdsweep.model.vit_pyramid import ViTPyramid

# parameters in millions, without a classifier (Siméoni et al., 2025, tables of the released models)
PUBLISHED = {
    "dinov3-small": 21, "dinov3-small-plus": 29, "dinov3-base": 86, "dinov3-large": 300,
    "dinov3-convnext-tiny": 29, "dinov3-convnext-small": 50, "dinov3-convnext-base": 89,
    "dinov3-convnext-large": 198,
}  # fmt: skip
HEAD = {"hidden": 16, "heads": 2, "queries": 4, "encoder_layers": 1, "decoder_layers": 1}


def settings(name: str, **changes: Any) -> ModelSettings:
    return ModelSettings.model_validate({"backbone": name, "weights": "random", **HEAD, **changes})


@pytest.mark.parametrize("name", PUBLISHED)
def test_presets_have_the_published_sizes(name: str) -> None:
    full = backbone(name).timm
    assert full in timm.list_models("*dinov3*", pretrained=True)
    with torch.device("meta"):
        net = timm.create_model(full.partition(".")[0], num_classes=0)
    count = sum(parameter.numel() for parameter in net.parameters()) / 1e6
    assert count == pytest.approx(PUBLISHED[name], rel=0.05)


def in_metas_names(net: Any) -> dict[str, torch.Tensor]:
    """A ViT's tensors as DINOv3's own files have them."""
    state = {}
    for name, value in net.state_dict().items():
        name = name.replace("reg_token", "storage_tokens")
        name = re.sub(r"gamma_(\d)", r"ls\1.gamma", name)
        state[name] = value.clone()
    width = net.embed_dim
    state["mask_token"] = torch.zeros(1, width)
    state["rope_embed.periods"] = torch.zeros(16)
    for block in range(len(net.blocks)):
        state[f"blocks.{block}.attn.qkv.bias"] = torch.zeros(3 * width)
        state[f"blocks.{block}.attn.qkv.bias_mask"] = torch.zeros(3 * width)
    return state


def test_metas_own_file_of_a_vit_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "vit_small_patch16_dinov3"
    torch.manual_seed(1)
    net = timm.create_model(name, num_classes=0, dynamic_img_size=True)
    torch.save(in_metas_names(net), tmp_path / "dinov3.pth")
    chosen = settings(name, weights=str(tmp_path / "dinov3.pth"))
    pyramid = ViTPyramid(chosen).eval()
    for key, value in pyramid.net.state_dict().items():
        assert torch.equal(value, net.state_dict()[key]), key
    eomt = build_network(chosen.model_copy(update={"architecture": "eomt"}), 3).eval()
    assert torch.equal(eomt.backbone.blocks[3].gamma_1, net.blocks[3].gamma_1)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        wanted = net.eval().forward_features(images)[:, net.num_prefix_tokens :]
        (found,) = {id(maps): maps for maps in pyramid.tokens(images)}.values()
    # positions follow the image, four storage tokens and the class token stand apart
    assert (found.shape[-2:], net.num_prefix_tokens) == ((4, 6), 5)
    torch.testing.assert_close(found.flatten(2).mT, wanted, rtol=1e-4, atol=1e-5)
    assert capsys.readouterr().out == ""


def test_metas_own_file_of_a_convnext_is_read(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = timm.create_model("convnext_tiny", num_classes=0)
    state = {}
    for name, value in net.state_dict().items():
        name = re.sub(r"^stem\.", "downsample_layers.0.", name)
        name = re.sub(r"^stages\.(\d)\.downsample\.", r"downsample_layers.\1.", name)
        name = re.sub(r"^stages\.(\d)\.blocks\.", r"stages.\1.", name)
        name = name.replace("conv_dw", "dwconv").replace("mlp.fc", "pwconv")
        state[name.replace("head.norm", "norm")] = value.clone()
    save_file(state, tmp_path / "convnext.safetensors")
    found = Backbone(settings("convnext_tiny", weights=str(tmp_path / "convnext.safetensors")))
    own = found.net.state_dict()
    assert torch.equal(
        own["stages_2.blocks.4.mlp.fc1.weight"], net.stages[2].blocks[4].mlp.fc1.weight
    )
    assert torch.equal(own["stem_0.weight"], net.stem[0].weight)


def test_a_file_of_another_network_is_told_as_before(tmp_path: Path) -> None:
    net = timm.create_model("test_vit", num_classes=0)
    torch.save(net.state_dict(), tmp_path / "other.pth")
    chosen = settings("vit_small_patch16_dinov3", weights=str(tmp_path / "other.pth"))
    with pytest.raises(BadInput, match=r"does not fit vit_small_patch16_dinov3: it misses"):
        ViTPyramid(chosen)


def test_metas_own_file_starts_a_whole_network(tmp_path: Path) -> None:
    name = "vit_small_patch16_dinov3"
    torch.manual_seed(1)
    net = timm.create_model(name, num_classes=0, dynamic_img_size=True)
    file = tmp_path / "dinov3.pth"
    torch.save(in_metas_names(net), file)
    for architecture in ("mask2former", "eomt"):
        chosen = settings(name, architecture=architecture, init=str(file))
        torch.manual_seed(2)
        model = build_network(chosen, 3)
        before = model.state_dict()[f"{model.class_head}.weight"].clone()
        note = load_initial(model, str(file), chosen, ("a", "b", "c"))
        assert note == "a backbone alone: everything else starts anew"
        assert torch.equal(model.timm_net.blocks[7].mlp.fc1.weight, net.blocks[7].mlp.fc1.weight)
        assert torch.equal(model.state_dict()[f"{model.class_head}.weight"], before)


@pytest.mark.parametrize("architecture", ["mask2former", "eomt"])
def test_a_full_size_network_steps_forward_and_back_and_loads(architecture: str) -> None:
    chosen = ModelSettings.model_validate(
        {
            "architecture": architecture,
            "backbone": backbone("dinov3-small").timm.partition(".")[0],
            "weights": "random",
        }
    )
    torch.manual_seed(0)
    model = build_network(chosen, 80).train()
    layers = model([torch.rand(3, 64, 96) * 255], [None]).layers
    assert len(layers) == (10 if architecture == "mask2former" else 5)
    torch.stack([o.mask_logits.mean() + o.class_logits.mean() for o in layers]).sum().backward()
    # the first block is reached: everything between it and the heads is
    assert model.timm_net.blocks[0].attn.qkv.weight.grad.abs().sum() > 0
    again = build_network(chosen, 80)
    again.load_state_dict(model.state_dict())
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())
