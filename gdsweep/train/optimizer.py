"""AdamW (or SGD) with Mask2Former's parameter groups."""

import re
from collections.abc import Iterator

import torch
from torch import nn

from gdsweep.config import OptimizerSettings

_BLOCK = re.compile(r"\bbackbone\.(?:net\.)?blocks\.(\d+)\.")
_NORMS = (
    nn.modules.batchnorm._NormBase,  # batch and instance normalisation, SyncBatchNorm included
    nn.GroupNorm,
    nn.LayerNorm,
    nn.LocalResponseNorm,
)
# tables of positions inside backbones (Swin, ViT without registers of their own)
_POSITION_TABLES = ("relative_position_bias_table", "absolute_pos_embed")


def build_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum, over the trainable parameters.

    Each group carries its `multiplier` of the base rate.
    No weight decay on normalisation layers, embeddings and position tables; biases and bare
    parameters do decay. Parameters below `backbone` have the backbone's multiplier (sec. 4.1, and
    the public code where the paper is silent), less by `layer_decay` for each block of a ViT that
    follows. A frozen parameter is in no group.
    """
    blocks = _blocks(model)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter, owner in _owned_parameters(model):
        if not parameter.requires_grad:
            continue
        multiplier = 1.0
        if "backbone" in name.split("."):
            multiplier = settings.backbone_multiplier
            multiplier *= settings.layer_decay ** _blocks_behind(name, blocks)
        plain = isinstance(owner, (*_NORMS, nn.Embedding)) or name.endswith(_POSITION_TABLES)
        decay = 0.0 if plain else settings.weight_decay
        groups.setdefault((multiplier, decay), []).append(parameter)
    described = [
        {"params": parameters, "multiplier": multiplier, "weight_decay": decay}
        for (multiplier, decay), parameters in sorted(groups.items())
    ]
    # fused takes a quarter of the time of the other forms, on the CPU too
    if settings.algorithm == "sgd":
        return torch.optim.SGD(described, settings.lr, momentum=settings.momentum, fused=True)
    return torch.optim.AdamW(described, settings.lr, fused=True)


def _blocks(model: nn.Module) -> int:
    """Number of blocks of a plain vision transformer; 0 of any other backbone."""
    found = (_BLOCK.search(name) for name, _ in model.named_parameters())
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _blocks_behind(name: str, blocks: int) -> int:
    """How many blocks of a plain ViT follow on the parameter `name` of its own or before them."""
    match = _BLOCK.search(name)
    if match is not None:
        return blocks - 1 - int(match[1])
    before = any(part in name for part in ("patch_embed", "pos_embed", "cls_token", "reg_token"))
    return max(blocks - 1, 0) if before else 0


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group `rate` times its multiplier."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["multiplier"]


def _owned_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, nn.Module]]:
    seen: set[int] = set()
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter, module
