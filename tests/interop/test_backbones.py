"""Backbones of detectron2, Caffe2, Swin, DINOv2, torchvision and timm as `model.weights`."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop import convert
from gdsweep.interop.backbones import read_backbone
from gdsweep.interop.files import read_file
from gdsweep.model import Mask2Former

CAFFE2 = {"conv1": "branch2a", "conv2": "branch2b", "conv3": "branch2c", "shortcut": "branch1"}


def torchvision_state() -> dict[str, Tensor]:
    state = torchvision.models.resnet50(weights=None).state_dict()
    return {k: torch.randn_like(v) if v.ndim == 1 else v for k, v in state.items()}


def detectron2_names(state: dict[str, Tensor]) -> dict[str, Any]:
    """As detectron2's converter of torchvision's weights names them, as arrays."""
    made = {}
    for name, tensor in state.items():
        if "layer" not in name:
            name = f"stem.{name}"
        for n in range(4, 0, -1):
            name = name.replace(f"layer{n}.", f"res{n + 1}.")
        for n in (1, 2, 3):
            name = name.replace(f"bn{n}.", f"conv{n}.norm.")
        name = name.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
        made[name] = tensor.numpy()
    return made


def caffe2_names(state: dict[str, Tensor]) -> dict[str, Any]:
    """As MSRA's pickle names them; batch normalisation without statistics."""
    made: dict[str, Any] = {"fc1000_w": state["fc.weight"].numpy(), "lr": 0.1}
    for name, array in detectron2_names(state).items():
        parts = name.split(".")
        if parts[-1] in ("running_mean", "running_var", "num_batches_tracked") or "fc" in name:
            continue
        leaf = "w" if parts[-2] != "norm" else {"weight": "s", "bias": "b"}[parts[-1]]
        norm = "_bn" if "norm" in parts else ""
        if parts[0] == "stem":
            made[f"{'res_' if norm else ''}conv1{norm}_{leaf}"] = array
        else:
            made[f"{parts[0]}_{parts[1]}_{CAFFE2[parts[2]]}{norm}_{leaf}"] = array
    return made


def pickled(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def stem(settings: ModelSettings, image: Tensor) -> Tensor:
    backbone = Mask2Former(settings, 1).backbone.eval()
    with torch.no_grad():
        found: Tensor = backbone.net.bn1(backbone.net.conv1(image))
    return found


@pytest.fixture(scope="module")
def resnet() -> dict[str, Tensor]:
    return torchvision_state()


@pytest.mark.parametrize("detector", [False, True])
def test_detectron2s_pickles(resnet: dict[str, Tensor], detector: bool, tmp_path: Path) -> None:
    named = detectron2_names(resnet)
    if detector:
        named = {f"backbone.bottom_up.{k}": v for k, v in named.items() if "fc" not in k}
        named["backbone.fpn_lateral2.weight"] = named["roi_heads.box.weight"] = [[1.0]]
        named = {k: torch.tensor(v).numpy() if isinstance(v, list) else v for k, v in named.items()}
    path = pickled(tmp_path / "R-50.pkl", {"model": named, "__author__": "x"})
    found = read_backbone(read_file(path), path)
    assert found.name == "resnet50"
    for name, tensor in found.weights.items():
        if not name.endswith("num_batches_tracked") and name != "conv1.weight":
            assert torch.equal(tensor, resnet[name]), name
    turned = resnet["conv1.weight"].flip(1) * torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
    wanted = turned if detector else resnet["conv1.weight"]
    assert torch.allclose(found.weights["conv1.weight"], wanted)
    reasons = set(found.dropped.values()) - {"no part of what is computed"}
    assert reasons == ({"the detector's"} if detector else {"the classifier of the pre-training"})
    path = tmp_path / "again.pkl"
    pickled(path, {"model": named})
    rgb = read_backbone(read_file(path), path, channels="rgb")
    assert torch.equal(rgb.weights["conv1.weight"], resnet["conv1.weight"])


def test_msras_pickle_computes_the_same_from_rgb(resnet: dict[str, Tensor], tmp_path: Path) -> None:
    path = pickled(tmp_path / "R-50.pkl", caffe2_names(resnet))
    report = convert(path, tmp_path / "ours.pth", "gdsweep")
    assert any("BGR" in note for note in report.notes)
    image = torch.randint(0, 256, (3, 64, 64)).float()
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    weight, bias = resnet["bn1.weight"], resnet["bn1.bias"]
    theirs = torch.conv2d((image - mean).flip(0)[None], resnet["conv1.weight"], stride=2, padding=3)
    theirs = theirs / (1 + 1e-5) ** 0.5 * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)
    settings = ModelSettings(backbone="resnet50", weights=str(tmp_path / "ours.pth"))
    ours = stem(settings, ((image - mean) / std)[None])
    assert (ours - theirs).abs().max() <= 1e-6 * theirs.abs().max() * 5


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("swin_tiny_patch4_window7_224", {"layers.0.blocks.1.attn_mask": torch.zeros(2)}),
        ("vit_small_patch14_dinov2", {"mask_token": torch.zeros(1, 384)}),
        ("resnet18", {}),
    ],
)
def test_official_files_of_other_families(
    name: str, extra: dict[str, Tensor], tmp_path: Path
) -> None:
    classifier = timm.create_model(name, num_classes=10).eval()
    state = classifier.state_dict()
    if name.startswith("swin"):  # Swin's own: a merging ends its stage
        state = {
            k.replace(f"layers.{n}.downsample", f"layers.{n - 1}.downsample")
            if f"layers.{n}.downsample" in k
            else k: v
            for k, v in state.items()
            for n in [int(k.split(".")[1]) if k.startswith("layers.") else 0]
        }
    path = pickled(tmp_path / "theirs.pkl", {"model": state | extra})
    report = convert(path, tmp_path / "ours.pth", "gdsweep")
    assert set(extra) <= {
        key.split("model.")[-1].removeprefix("backbone.") for key in report.dropped
    }
    settings = ModelSettings(backbone=name, weights=str(tmp_path / "ours.pth"), norm="batch")
    ours = Mask2Former(settings, 1).backbone.net.state_dict()
    theirs = classifier.state_dict()
    for key, tensor in ours.items():
        if key.startswith("layers_"):
            key = key.replace("layers_", "layers.", 1)
        assert torch.equal(tensor, theirs[key]), key


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    path = pickled(tmp_path / "x.pkl", {"model": {"features.0.weight": torch.ones(3)}})
    with pytest.raises(BadInput, match="no names that are known"):
        convert(path, tmp_path / "y.pth", "gdsweep")
    path = pickled(tmp_path / "x.pkl", detectron2_names(torchvision_state()))
    with pytest.raises(BadInput, match="a backbone alone"):
        convert(path, tmp_path / "y.pth", "mask2former")


@pytest.mark.parametrize("name", ["test_convnext", "test_efficientnet", "test_vit", "test_resnet"])
def test_any_file_of_timms_is_read_where_it_is_named(tmp_path: Path, name: str) -> None:
    state = timm.create_model(name).state_dict()
    torch.save(state, tmp_path / "a.pth")
    found = read_backbone(read_file(tmp_path / "a.pth"), tmp_path / "a.pth", name)
    assert found.name == name
    assert set(found.dropped.values()) == {"the classifier of the pre-training"}
    whole = {key.replace("_", "."): value for key, value in state.items()}
    assert found.weights
    for key, value in found.weights.items():
        assert torch.equal(value, whole[key.replace("_", ".")]), key


def test_a_file_that_does_not_tell_asks_for_its_name(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_convnext").state_dict(), tmp_path / "a.pth")
    with pytest.raises(BadInput, match="any of timm's files with --backbone NAME"):
        read_backbone(read_file(tmp_path / "a.pth"), tmp_path / "a.pth")
    with pytest.raises(BadInput, match=r"a\.pth does not fit resnet18: it misses"):
        read_backbone(read_file(tmp_path / "a.pth"), tmp_path / "a.pth", "resnet18")


def test_timms_swin_is_told_from_its_authors(tmp_path: Path) -> None:
    name = "swin_tiny_patch4_window7_224"
    state = timm.create_model(name).state_dict()
    torch.save(state, tmp_path / "a.pth")
    found = read_backbone(read_file(tmp_path / "a.pth"), tmp_path / "a.pth")
    assert found.name == name
    key = "layers_1.downsample.reduction.weight"
    assert torch.equal(found.weights[key], state[key.replace("_", ".")])
