"""Backbones: any timm model with feature maps at strides 4, 8, 16 and 32, by timm's name."""

import difflib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import timm
import torch
from timm.layers import convert_sync_batchnorm, freeze_batch_norm_2d
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput

STRIDES = (4, 8, 16, 32)

# buffers that follow from the architecture; files have them or not
_DERIVED = re.compile(r"(num_batches_tracked|relative_position_index|attn_mask|coords_table)$")


class Backbone(nn.Module):
    """A timm network that returns its maps at strides 4, 8, 16 and 32.

    Swin's maps get a layer norm each, as in Mask2Former (timm pads maps that windows do not divide
    after shifting, Mask2Former before: they differ at the right and bottom border then).

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
        net = _create(settings)
        self.indices = _map_indices(net, settings.backbone)
        _check_any_size(net, settings.backbone)
        if settings.weights not in ("pretrained", "random"):
            _load(net, settings)
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


def _create(settings: ModelSettings) -> Any:
    name = settings.backbone
    _check_name(name)
    pretrained = settings.weights == "pretrained"
    options: dict[str, Any] = {"features_only": True, "pretrained": pretrained}
    if re.match(r"swin(v2)?_(?!cr)", name):
        # Swin otherwise insists on its training size, and never shifts the windows of stage 4
        options |= {"strict_img_size": False, "always_partition": True}
    try:
        with _quiet_hub():
            try:
                # always said: some models' own default is not 0
                return timm.create_model(name, drop_path_rate=settings.drop_path, **options)
            except TypeError as error:
                if "drop_path_rate" not in str(error):
                    raise
            if settings.drop_path > 0:
                raise BadInput(f"model.drop_path: {name} has no stochastic depth; use 0")
            return timm.create_model(name, **options)
    except (OSError, RuntimeError, AttributeError, AssertionError, TypeError) as error:
        if pretrained:
            raise BadInput(
                f"model.weights: the pretrained weights of {name} cannot be had "
                f"({_first_line(error)}); check the network, or use random or a local file"
            ) from None
        raise BadInput(
            f"model.backbone: {name} gives no feature maps ({_first_line(error)}); {_SUITABLE}"
        ) from None


_SUITABLE = "choose one with maps at strides 4, 8, 16 and 32, such as resnet50"


def _check_name(name: str) -> None:
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = _nearest(architecture, timm.list_models())
        raise BadInput(f"model.backbone: timm has no model {architecture!r}; {near}")
    tags = [
        found.partition(".")[2] for found in timm.list_models(f"{architecture}.*", pretrained=True)
    ]
    if tag and tag not in tags:
        raise BadInput(
            f"model.backbone: timm's {architecture} has no weights {tag!r}; {_nearest(tag, tags)}"
        )


def _map_indices(net: Any, name: str) -> list[int]:
    # the deepest map at each stride; a ResNet's stride-2 map is not used
    reductions = list(net.feature_info.reduction())
    if not set(STRIDES) <= set(reductions):
        found = ", ".join(map(str, sorted(set(reductions))))
        raise BadInput(f"model.backbone: {name} has maps at strides {found} only; {_SUITABLE}")
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
            f"model.backbone: {name} does not take images of any size ({_first_line(error)}); "
            f"{_SUITABLE}"
        ) from None
    net.train(training)


def _load(net: Any, settings: ModelSettings) -> None:
    path = Path(settings.weights).expanduser()
    what = f"model.weights: {path}"
    if not path.is_file():
        raise BadInput(f"{what}: no such file; valid: pretrained, random, or a .pth/.safetensors")
    try:
        state = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # unpickling and safetensors raise all kinds
        raise BadInput(f"{what} cannot be read as weights ({_first_line(error)})") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BadInput(f"{what} holds no state dict of tensors")
    own = net.state_dict()
    # a feature extractor's `layers_0.` is `layers.0.` in the classifier it was cut from
    given = {key: key if key in state else _classifier_key(key) for key in own}
    missing = [key for key in own if given[key] not in state and not _DERIVED.search(key)]
    reshaped = [
        key for key in own if given[key] in state and state[given[key]].shape != own[key].shape
    ]
    stages = {_stage(key) for key in given.values()}
    extra = [
        key
        for key in state
        if _stage(key) in stages and key not in given.values() and not _DERIVED.search(key)
    ]
    problems = [("misses", missing), ("has another shape of", reshaped), ("also has", extra)]
    wrong = [f"{verb} {keys[0]} (of {len(keys)})" for verb, keys in problems if keys]
    if wrong:
        raise BadInput(f"{what} does not fit {settings.backbone}: it {'; it '.join(wrong)}")
    net.load_state_dict({k: state[g] for k, g in given.items() if g in state}, strict=False)


def _classifier_key(key: str) -> str:
    return re.sub(r"^([a-z_]+)_(\d+)\.", r"\1.\2.", key)


def _stage(key: str) -> str:
    # layer4 of layer4.1.conv.weight: what a file has of other modules (its classifier) is its own
    return key.partition(".")[0]


def _processes_share_cuda() -> bool:
    distributed = torch.distributed
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and "nccl" in distributed.get_backend()
    )


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(close or known[:3]) or 'none'}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .")


@contextmanager
def _quiet_hub() -> Iterator[None]:
    # a failed download becomes one line of ours, not five of its retries
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
