"""Backbone weights of others, as a file that a grid's `model.weights` takes.

detectron2's model zoo (whole detectors too) and its ImageNet backbones (torchvision's and MSRA's,
the latter in Caffe2's names), Swin's and DINOv2's official files, torchvision's and timm's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gdsweep import atomic
from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.architecture import infer_backbone
from gdsweep.interop.files import Content
from gdsweep.interop.mask2former_names import RESNET, SWIN, VIT
from gdsweep.interop.names import Table
from gdsweep.interop.tensors import find_tensors
from gdsweep.model import Mask2Former
from gdsweep.model.timm_net import given_names

Channels = Literal["rgb", "bgr"]

_DETECTOR = "the detector's"
_CLASSIFIER = "the classifier of the pre-training"
_DROPPED = (
    ("backbone.fpn_*", _DETECTOR),
    ("backbone.top_block.*", _DETECTOR),
    ("proposal_generator.*", _DETECTOR),
    ("roi_heads.*", _DETECTOR),
    ("sem_seg_head.*", _DETECTOR),
    ("pixel_mean", "a constant of the detector"),
    ("pixel_std", "a constant of the detector"),
    ("*_momentum", "the state of an optimiser"),
    ("*.attn_mask", "follows from the window size"),
    ("*.relative_position_index", "follows from the window size"),
    ("*.num_batches_tracked", "no part of what is computed"),
    ("backbone.model.mask_token", "used in pre-training only"),
    *((f"backbone.{name}", _CLASSIFIER) for name in ("stem.fc.*", "fc*", "norm.*", "head.*")),
    ("backbone.model.head*", _CLASSIFIER),
    *((f"backbone.net.{name}", _CLASSIFIER) for name in ("fc.*", "norm.*", "head.*")),
)
_CAFFE2 = (
    (r"^res_conv1_bn_(\w+)$", r"stem.conv1.norm.\1"),
    (r"^conv1_(\w+)$", r"stem.conv1.\1"),
    (r"^(res\d)_(\d+)_branch1_bn_(\w+)$", r"\1.\2.shortcut.norm.\3"),
    (r"^(res\d)_(\d+)_branch1_(\w+)$", r"\1.\2.shortcut.\3"),
    (r"^(res\d)_(\d+)_branch2([abc])_bn_(\w+)$", r"\1.\2.conv{\3}.norm.\4"),
    (r"^(res\d)_(\d+)_branch2([abc])_(\w+)$", r"\1.\2.conv{\3}.\4"),
)
_CAFFE2_LEAF = {
    "w": "weight",
    "s": "weight",
    "b": "bias",
    "rm": "running_mean",
    "riv": "running_var",
}


@dataclass(frozen=True)
class BackboneFile:
    """Weights of a backbone alone."""

    name: str
    """timm's."""
    weights: dict[str, Tensor]
    """By timm's names of the feature extractor."""
    dropped: dict[str, str]
    """Names in the file that were left, and why."""
    notes: list[str]
    """What was done to the weights."""


def read_backbone(
    content: Content, path: Path, name: str | None = None, channels: Channels | None = None
) -> BackboneFile:
    """A backbone's weights out of any of the files above.

    Args:
        content: the file.
        path: of the file, for messages.
        name: timm's name; told from the shapes if None, as far as they tell.
        channels: order of the channels the first convolution expects; told from the file if None:
            Caffe2's and detectron2's own detectors see BGR with deviation 1, others RGB.

    Raises:
        BadInput: no backbone that is known, or tensors that do not fit.
    """
    given, table, caffe2 = _official(content.tensors)
    if name is not None and channels is None:
        try:
            return _read_as_timm(content, path, name)
        except BadInput:
            if table is None:
                raise
    if table is None:
        raise BadInput(
            f"{path}: no names that are known (it begins "
            f"{next(iter(content.tensors), 'with nothing')}); valid: gdsweep, Mask2Former, "
            "GuidedDistillation, transformers, detectron2, torchvision, Swin, DINOv2, and any of "
            "timm's files with --backbone NAME"
        )
    notes = content.notes
    if channels is None:
        detector = any(
            key.startswith(("backbone.bottom_up.", "roi_heads.")) for key in content.tensors
        )
        channels = "bgr" if caffe2 or detector else "rgb"
    name = name or infer_backbone(given, table, str(path))
    # a bare model, so that names are the feature extractor's; weights come from the file
    settings = ModelSettings(backbone=name, weights="random", norm="batch", hidden=8, heads=1)
    backbone = Mask2Former(settings, 1).backbone
    if channels == "bgr":
        given = _for_rgb(given, backbone.std)
        notes.append(
            "the first convolution expected BGR with deviation 1: it was turned to RGB and scaled"
        )
    if caffe2:
        given = _with_statistics(given)
        notes.append("its batch normalisation was folded: mean 0 and variance 1 were put in")
        notes.append(
            "MSRA's network strides in 1x1 convolutions, timm's in 3x3: initial weights, no equal"
        )
    own = {f"backbone.net.{k}": v for k, v in backbone.net.state_dict().items()}
    try:
        found = find_tensors(own, given, table, _DROPPED, str(path))
    except BadInput as error:
        raise BadInput(f"{error}; was it {name}? --backbone names another of timm's") from None
    weights = {k.removeprefix("backbone.net."): v for k, v in found.weights.items()}
    return BackboneFile(name, weights, found.dropped, notes)


def _read_as_timm(content: Content, path: Path, name: str) -> BackboneFile:
    """A file of timm's own, or of others as timm reads them, for the network of that name."""
    settings = ModelSettings(backbone=name, weights=str(path), norm="batch", hidden=8, heads=1)
    net = Mask2Former(settings, 1).backbone.net
    weights: dict[str, Tensor] = net.state_dict()
    used = set(given_names(net, content.tensors).values())
    notes = content.notes
    if not used & content.tensors.keys():
        notes.append("its names are not timm's: it was read as timm reads the original files")
        return BackboneFile(name, weights, {}, notes)
    dropped = {key: _CLASSIFIER for key in content.tensors if key not in used}
    return BackboneFile(name, weights, dropped, notes)


def write_backbone(path: Path, backbone: BackboneFile) -> None:
    """Write weights for `model.weights` of a grid. Raises BadInput for a suffix other than .pth."""
    if path.suffix not in (".pth", ".pt"):
        raise BadInput(f"{path}: name a file of backbone weights .pth")
    with atomic.replacing(path) as temporary:
        torch.save(backbone.weights, temporary)


def _official(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Table | None, bool]:
    """The tensors by Mask2Former's official names, their table, and whether they are Caffe2's."""
    if "conv1_w" in tensors:
        return {_from_caffe2(name): t for name, t in tensors.items()}, RESNET, True
    plain = {re.sub(r"^(module|backbone\.bottom_up)\.", "", n): t for n, t in tensors.items()}
    keep = re.compile(r"(backbone|proposal_generator|roi_heads|sem_seg_head|pixel_(mean|std))\b")
    if "stem.conv1.weight" in plain:
        official = {n if keep.match(n) else f"backbone.{n}": t for n, t in plain.items()}
        return official, RESNET, False
    if any(n.startswith("layers.0.blocks.0.attn.") for n in plain):
        if "layers.0.downsample.reduction.weight" in plain:
            return {f"backbone.{n}": t for n, t in plain.items()}, SWIN, False
        # timm's: it merges patches as a stage begins, Swin's authors as it ends
        timms = {re.sub(r"^layers\.(\d)\.", r"layers_\1.", n): t for n, t in plain.items()}
        return {f"backbone.net.{n}": t for n, t in timms.items()}, _TIMM, False
    if "layer1.0.conv1.weight" in plain:
        return {f"backbone.net.{n}": t for n, t in plain.items()}, _TIMM, False
    if any(n.startswith("layers_0.blocks.0.attn.") for n in plain):
        return {f"backbone.net.{n}": t for n, t in plain.items()}, _TIMM, False
    if "cls_token" in plain and "blocks.0.attn.qkv.weight" in plain:
        return {f"backbone.model.{n}": t for n, t in plain.items()}, VIT, False
    return dict(plain), None, False


_TIMM: Table = (("*", "*"),)


def _from_caffe2(name: str) -> str:
    for pattern, replacement in _CAFFE2:
        if re.match(pattern, name):
            made = re.sub(pattern, replacement, name)
            made = re.sub(r"\{([abc])\}", lambda m: str("abc".index(m[1]) + 1), made)
            stem, _, leaf = made.rpartition(".")
            return f"backbone.{stem}.{_CAFFE2_LEAF.get(leaf, leaf)}"
    return f"backbone.{name}"


def _for_rgb(given: dict[str, Tensor], std: tuple[float, ...]) -> dict[str, Tensor]:
    # w * x = (w std) * (x / std); the means are the same in either order
    name = "backbone.stem.conv1.weight"
    if name not in given:
        raise BadInput("--channels bgr: only a ResNet's file is known to expect BGR")
    return given | {name: given[name].flip(1) * torch.tensor(std).view(1, 3, 1, 1)}


def _with_statistics(given: dict[str, Tensor]) -> dict[str, Tensor]:
    made: dict[str, Any] = dict(given)
    for name, tensor in given.items():
        if name.endswith(".norm.weight"):
            made.setdefault(name.replace(".weight", ".running_mean"), torch.zeros_like(tensor))
            made.setdefault(name.replace(".weight", ".running_var"), torch.ones_like(tensor))
    return made
