"""Hugging Face transformers' folders of Mask2Former and EoMT, in and out, without transformers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from gdsweep import atomic
from gdsweep.config import LossSettings, ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop import eomt_folder
from gdsweep.interop.files import read_file
from gdsweep.interop.names import Table
from gdsweep.interop.tensors import renamed
from gdsweep.interop.transformers_names import HEAD, LOSS, RESNET, SWIN, SWIN_IN_MEMORY
from gdsweep.model import EoMT, Mask2Former

_STAGES = ["stem", "stage1", "stage2", "stage3", "stage4"]
_LAYER_NORM_MARK = "model.pixel_level_module.encoder.swin.layernorm"


@dataclass(frozen=True)
class Folder:
    """What a folder holds."""

    kind: str
    """`mask2former` or `eomt`."""
    tensors: dict[str, Tensor]
    """By transformers' names."""
    classes: tuple[str, ...]
    """Names of the classes."""
    heads: int
    """Attention heads."""


def is_transformers(tensors: Mapping[str, Tensor]) -> bool:
    """Whether names are those of transformers' Mask2Former."""
    return any(name.startswith("model.pixel_level_module.") for name in tensors)


def table_of(names: Mapping[str, object]) -> Table:
    """The names' table, by the backbone's names: theirs in files or in memory, or ours."""
    if any(".encoder.swin.encoder." in name for name in names):
        return (*HEAD, *SWIN_IN_MEMORY)
    if any(".patch_embeddings." in n or n.startswith("backbone.net.layers_0.") for n in names):
        return (*HEAD, *SWIN)
    return (*HEAD, *RESNET)


def read_folder(path: Path) -> Folder:
    """Read a folder that `save_pretrained` wrote or the hub gave.

    Raises:
        BadInput: neither Mask2Former nor EoMT, weights missing, or a configuration that ours has
            no setting for (pre-norm, a projection of the decoder's inputs).
    """
    config = _json(path / "config.json")
    kind = config.get("model_type")
    if kind not in ("mask2former", "eomt"):
        raise BadInput(f"{path}: config.json says {kind}; valid: mask2former, eomt")
    for key in ("pre_norm", "enforce_input_projection"):
        if config.get(key):
            raise BadInput(f"{path}: config.json: {key} is set; gdsweep has no such model")
    labels = config.get("id2label") or {}
    classes = tuple(str(labels[key]) for key in sorted(labels, key=int))
    return Folder(kind, _tensors(path), classes, int(config.get("num_attention_heads", 8)))


def _tensors(path: Path) -> dict[str, Tensor]:
    single = [path / "model.safetensors", path / "pytorch_model.bin"]
    for file in single:
        if file.is_file():
            return read_file(file).tensors
    index = path / "model.safetensors.index.json"
    if not index.is_file():
        raise BadInput(f"{path}: neither {' nor '.join(f.name for f in [*single, index])} is there")
    parts = sorted(set(_json(index).get("weight_map", {}).values()))
    if any(Path(part).name != part for part in parts):
        raise BadInput(f"{index}: it points outside its folder")
    return {name: t for part in parts for name, t in read_file(path / part).tensors.items()}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise BadInput(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: not a JSON object")
    return content


def write_folder(
    path: Path, model: Mask2Former | EoMT, settings: ModelSettings, classes: Sequence[str]
) -> None:
    """Write a folder that `from_pretrained` of transformers' Mask2Former or EoMT opens.

    Raises:
        BadInput: the backbone is none that transformers has for the network, or a Mask2Former's
            decoder samples other than 4 points per head and level.
    """
    if isinstance(model, EoMT):
        state, config = eomt_folder.written(model, settings)
        constant = torch.ones(len(classes) + 1)
        constant[-1] = LossSettings().no_object
        state["criterion.empty_weight"] = constant
    else:
        state, config = _mask2former(model, settings, len(classes))
    config |= _labels(classes)
    path.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path / "model.safetensors") as temporary:
        save_file({k: v.cpu() for k, v in state.items()}, temporary, metadata={"format": "pt"})
    atomic.write_json(path / "preprocessor_config.json", _preprocessor(model, len(classes)))
    atomic.write_json(path / "config.json", config)


def _mask2former(
    model: Mask2Former, settings: ModelSettings, classes: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by transformers' names, and its configuration, labels apart."""
    if settings.encoder_points != 4:
        raise BadInput("transformers: model.encoder_points must be 4")
    backbone = _backbone_config(model, settings)
    weights = model.state_dict()
    state = renamed(weights, table_of(weights), "transformers' Mask2Former")
    _fill(state, backbone, classes)
    return state, {
        "architectures": ["Mask2FormerForUniversalSegmentation"],
        "model_type": "mask2former",
        "backbone_config": backbone,
        **_head_config(settings),
    }


def _fill(state: dict[str, Tensor], backbone: dict[str, Any], classes: int) -> None:
    """What transformers keeps besides learnt tensors."""
    constant = torch.ones(classes + 1)
    constant[-1] = LossSettings().no_object
    state["criterion.empty_weight"] = constant
    if backbone["model_type"] == "swin":
        width = state["model.pixel_level_module.encoder.hidden_states_norms.stage4.weight"].shape
        state[f"{_LAYER_NORM_MARK}.weight"] = torch.ones(width)
        state[f"{_LAYER_NORM_MARK}.bias"] = torch.zeros(width)
    for name in [name for name in state if name.endswith(".running_mean")]:
        counter = name.replace("running_mean", "num_batches_tracked")
        state.setdefault(counter, torch.zeros((), dtype=torch.long))


def _head_config(settings: ModelSettings) -> dict[str, Any]:
    loss = LossSettings()
    return {
        "feature_size": settings.hidden,
        "mask_feature_size": settings.hidden,
        "hidden_dim": settings.hidden,
        "encoder_feedforward_dim": settings.encoder_feedforward,
        "activation_function": "relu",
        "encoder_layers": settings.encoder_layers,
        "decoder_layers": settings.decoder_layers + 1,  # theirs counts the bare queries
        "num_attention_heads": settings.heads,
        "dropout": 0.0,
        "dim_feedforward": settings.decoder_feedforward,
        "pre_norm": False,
        "enforce_input_projection": False,
        "common_stride": 4,
        "feature_strides": [4, 8, 16, 32],
        "num_queries": settings.queries,
        **{theirs: getattr(loss, name) for theirs, name in LOSS.items()},
        "use_auxiliary_loss": True,
        "output_auxiliary_logits": None,
    }


def _labels(classes: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": {str(n): name for n, name in enumerate(classes)},
        "label2id": {name: n for n, name in enumerate(classes)},
    }


def _preprocessor(model: Mask2Former | EoMT, classes: int) -> dict[str, Any]:
    assert isinstance(model.mean, Tensor)
    assert isinstance(model.std, Tensor)
    mean, std = ((values.flatten() / 255).tolist() for values in (model.mean, model.std))
    normalised = {
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }
    if isinstance(model, EoMT):
        side = model.backbone.patch_embed.img_size[0]
        return {
            "image_processor_type": "EomtImageProcessor",
            "do_resize": True,
            "do_pad": True,
            "size": {"shortest_edge": side, "longest_edge": side},
            **normalised,
            "ignore_index": 255,
            "num_labels": classes,
        }
    return {
        "image_processor_type": "Mask2FormerImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 800, "longest_edge": 1333},
        "size_divisor": 32,
        **normalised,
        "ignore_index": 255,
        "do_reduce_labels": False,
        "num_labels": classes,
    }


def _backbone_config(model: Mask2Former, settings: ModelSettings) -> dict[str, Any]:
    net: Any = getattr(model.backbone, "net", None)
    common = {"stage_names": _STAGES, "out_features": _STAGES[1:], "out_indices": [1, 2, 3, 4]}
    if "backbone.net.layer1.0.conv1.weight" in model.state_dict():
        blocks = [getattr(net, f"layer{n}") for n in range(1, 5)]
        if getattr(net.conv1, "kernel_size", None) != (7, 7):
            raise BadInput(f"transformers: its ResNet has no stem as {settings.backbone}'s")
        return {
            "model_type": "resnet",
            "embedding_size": net.conv1.out_channels,
            "hidden_sizes": list(model.backbone.channels),
            "depths": [len(stage) for stage in blocks],
            "layer_type": "bottleneck" if hasattr(blocks[0][0], "conv3") else "basic",
            "hidden_act": "relu",
            "downsample_in_first_stage": False,
            "downsample_in_bottleneck": False,
            **common,
        }
    if "backbone.net.layers_0.blocks.0.attn.relative_position_bias_table" in model.state_dict():
        stages = [getattr(net, f"layers_{n}") for n in range(4)]
        attention = [stage.blocks[0].attn for stage in stages]
        return {
            "model_type": "swin",
            "image_size": 224,
            "patch_size": 4,
            "embed_dim": model.backbone.channels[0],
            "hidden_size": model.backbone.channels[-1],
            "depths": [len(stage.blocks) for stage in stages],
            "num_heads": [a.num_heads for a in attention],
            "window_size": (int(attention[0].relative_position_bias_table.shape[0] ** 0.5) + 1)
            // 2,
            "mlp_ratio": stages[0].blocks[0].mlp.fc1.out_features / model.backbone.channels[0],
            "qkv_bias": True,
            "drop_path_rate": settings.drop_path,
            "use_absolute_embeddings": False,
            "layer_norm_eps": 1e-5,
            **common,
        }
    raise BadInput(
        f"transformers: its Mask2Former has no backbone such as {settings.backbone}; "
        "valid: a ResNet or a Swin"
    )
