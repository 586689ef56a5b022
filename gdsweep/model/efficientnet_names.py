"""Names of EfficientNet's tensors in the PyTorch port of Luke Melas-Kyriazi, as timm's.

The port numbers its blocks through, timm by stage; the maps are read off timm's own network.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_DEPTHWISE_SEPARABLE = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_INVERTED_RESIDUAL = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def as_timm(net: Any, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The port's tensors by timm's names; None where they, or the network, are of another kind.

    Args:
        net: timm's EfficientNet, whole or a feature extractor.
        state: what a file of the port holds.
    """
    if "_conv_stem.weight" not in state or not hasattr(net, "blocks"):
        return None
    names = dict(_ENDS)
    blocks = (
        (f"blocks.{stage}.{place}", block)
        for stage, stage_blocks in enumerate(net.blocks)
        for place, block in enumerate(stage_blocks)
    )
    for number, (timms, block) in enumerate(blocks):
        parts = _INVERTED_RESIDUAL if hasattr(block, "conv_pwl") else _DEPTHWISE_SEPARABLE
        names |= {f"_blocks.{number}.{theirs}": f"{timms}.{ours}" for theirs, ours in parts.items()}
    made = {}
    for key, tensor in state.items():
        module, _, leaf = key.rpartition(".")
        if module not in names:
            return None
        made[f"{names[module]}.{leaf}"] = tensor
    return made
