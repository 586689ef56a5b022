"""Backbones: any timm model with feature maps at strides 4, 8, 16 and 32, by timm's name."""

import re
from typing import Any

import torch
from timm.layers import convert_sync_batchnorm, freeze_batch_norm_2d
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.timm_net import SUITABLE, create, first_line, load
from gdsweep.model.window_padding import pad_before_shift

STRIDES = (4, 8, 16, 32)


class Backbone(nn.Module):
    """A timm network that returns its maps at strides 4, 8, 16 and 32.

    Swin's maps get a layer norm each, and its windows are padded, as in Mask2Former.

    Batch normalisation by `settings.norm`: `frozen` has fixed statistics and affine parameters;
    `batch` is left as it is; `sync` becomes SyncBatchNorm where processes share CUDA devices (NCCL)
    and stays as it is elsewhere: on one process the two are equal, and SyncBatchNorm cannot run on
    a CPU.

    Raises:
        BadInput: an unknown or unsuitable name, or weights that cannot be had or do not fit.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.frozen = settings.freeze_backbone
        net = create(settings, features_only=True, **_options(settings.backbone))
        self.indices = _map_indices(net, settings.backbone)
        _check_any_size(net, settings.backbone)
        load(net, settings)
        pad_before_shift(net)
        if settings.norm == "frozen":
            net = freeze_batch_norm_2d(net)
        elif settings.norm == "sync" and _processes_share_cuda():
            net = convert_sync_batchnorm(net)
        self.net = net.requires_grad_(not self.frozen)
        channels = net.feature_info.channels()
        self.channels: tuple[int, ...] = tuple(channels[i] for i in self.indices)
        self.channels_last = str(getattr(net, "output_fmt", "NCHW")).endswith("NHWC")
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) for width in (self.channels if self.channels_last else ())
        )
        config = net.pretrained_cfg
        self.mean: tuple[float, ...] = tuple(255 * v for v in config["mean"])
        self.std: tuple[float, ...] = tuple(255 * v for v in config["std"])
        self.train()

    def train(self, mode: bool = True) -> "Backbone":
        """As `nn.Module.train`, except that a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.net.eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps [B, channels, H/s, W/s] for s = 4, 8, 16, 32 of normalised images [B, 3, H, W]."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            every = self.net(images)
        maps = [every[i] for i in self.indices]
        if not self.channels_last:
            return maps
        return [
            norm(x).permute(0, 3, 1, 2).contiguous()
            for norm, x in zip(self.norms, maps, strict=True)
        ]


def _options(name: str) -> dict[str, Any]:
    if re.match(r"swin(v2)?_(?!cr)", name):
        # Swin otherwise insists on its training size, and never shifts the windows of stage 4
        return {"strict_img_size": False, "always_partition": True}
    return {}


def _map_indices(net: Any, name: str) -> list[int]:
    # the deepest map at each stride; a ResNet's stride-2 map is not used
    reductions = list(net.feature_info.reduction())
    if not set(STRIDES) <= set(reductions):
        found = ", ".join(map(str, sorted(set(reductions))))
        raise BadInput(f"model.backbone: {name} has maps at strides {found} only; {SUITABLE}")
    return [len(reductions) - 1 - reductions[::-1].index(stride) for stride in STRIDES]


def _check_any_size(net: Any, name: str) -> None:
    # some transformers take only the image size they were built for
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            net(torch.zeros(1, 3, 64, 96))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise BadInput(
            f"model.backbone: {name} does not take images of any size ({first_line(error)}); "
            f"{SUITABLE}"
        ) from None
    net.train(training)


def _processes_share_cuda() -> bool:
    distributed = torch.distributed
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and "nccl" in distributed.get_backend()
    )
