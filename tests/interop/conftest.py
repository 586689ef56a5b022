"""Small models and the official layouts, made from key names and shapes."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.model import Mask2Former


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


HEAD = {
    "weights": "random",
    "hidden": 32,
    "heads": 4,
    "queries": 7,
    "encoder_layers": 2,
    "encoder_feedforward": 48,
    "decoder_layers": 3,
    "decoder_feedforward": 40,
}


@pytest.fixture
def small() -> Callable[..., tuple[ModelSettings, Mask2Former]]:
    """Make a model with a small head whose every tensor is random."""

    def make(backbone: str = "resnet18", classes: int = 3, **changes: Any) -> Any:
        settings = ModelSettings(**{**HEAD, "backbone": backbone, **changes})
        model = Mask2Former(settings, classes).eval()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if tensor.is_floating_point() and "running_var" not in name:
                    tensor.add_(0.05 * torch.randn_like(tensor))
                elif "running_var" in name:
                    tensor.uniform_(0.5, 1.5)
        return settings, model

    return make


@pytest.fixture
def outputs() -> Callable[[Mask2Former], tuple[Tensor, Tensor]]:
    """Logits and masks of a model on two random images of odd sizes."""
    generator = torch.Generator().manual_seed(5)
    images = [
        torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator)
        for size in ((64, 96), (70, 80))
    ]

    @torch.no_grad()
    def run(model: Mask2Former) -> tuple[Tensor, Tensor]:
        last = model.eval()(images).layers[-1]
        return last.class_logits, last.mask_logits

    return run


def official_head(channels: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the official Mask2Former behind its backbone, at the sizes of HEAD."""
    h, q, feed, wide = 32, 7, 48, 40
    p, t = "sem_seg_head.pixel_decoder", "sem_seg_head.predictor"
    shapes: dict[str, tuple[int, ...]] = {f"{p}.transformer.level_embed": (3, h)}

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, into), (out,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (h,)

    for n, width in enumerate(reversed(channels[1:])):
        shapes[f"{p}.input_proj.{n}.0.weight"] = (h, width, 1, 1)
        shapes[f"{p}.input_proj.{n}.0.bias"] = (h,)
        norm(f"{p}.input_proj.{n}.1")
    for n in range(2):
        layer = f"{p}.transformer.encoder.layers.{n}"
        linear(f"{layer}.self_attn.sampling_offsets", 4 * 3 * 4 * 2, h)
        linear(f"{layer}.self_attn.attention_weights", 4 * 3 * 4, h)
        linear(f"{layer}.self_attn.value_proj", h, h)
        linear(f"{layer}.self_attn.output_proj", h, h)
        linear(f"{layer}.linear1", feed, h)
        linear(f"{layer}.linear2", h, feed)
        norm(f"{layer}.norm1")
        norm(f"{layer}.norm2")
    shapes[f"{p}.adapter_1.weight"] = (h, channels[0], 1, 1)
    shapes[f"{p}.layer_1.weight"] = (h, h, 3, 3)
    norm(f"{p}.adapter_1.norm")
    norm(f"{p}.layer_1.norm")
    shapes[f"{p}.mask_features.weight"] = (h, h, 1, 1)
    shapes[f"{p}.mask_features.bias"] = (h,)
    for n in range(3):
        crossing = f"{t}.transformer_cross_attention_layers.{n}"
        own = f"{t}.transformer_self_attention_layers.{n}"
        for place, inner in ((crossing, "multihead_attn"), (own, "self_attn")):
            shapes[f"{place}.{inner}.in_proj_weight"] = (3 * h, h)
            shapes[f"{place}.{inner}.in_proj_bias"] = (3 * h,)
            linear(f"{place}.{inner}.out_proj", h, h)
            norm(f"{place}.norm")
        linear(f"{t}.transformer_ffn_layers.{n}.linear1", wide, h)
        linear(f"{t}.transformer_ffn_layers.{n}.linear2", h, wide)
        norm(f"{t}.transformer_ffn_layers.{n}.norm")
    norm(f"{t}.decoder_norm")
    for name in ("query_feat", "query_embed"):
        shapes[f"{t}.{name}.weight"] = (q, h)
    shapes[f"{t}.level_embed.weight"] = (3, h)
    linear(f"{t}.class_embed", classes + 1, h)
    for n in range(3):
        linear(f"{t}.mask_embed.layers.{n}", h, h)
    shapes["criterion.empty_weight"] = (classes + 1,)
    return shapes


def official_resnet50() -> dict[str, tuple[int, ...]]:
    """detectron2's ResNet-50 with frozen statistics."""
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name: str, out: int, into: int, side: int) -> None:
        shapes[f"{name}.weight"] = (out, into, side, side)
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.norm.{leaf}"] = (out,)

    conv("backbone.stem.conv1", 64, 3, 7)
    into = 64
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=2):
        for n in range(blocks):
            block = f"backbone.res{stage}.{n}"
            conv(f"{block}.conv1", width, into, 1)
            conv(f"{block}.conv2", width, width, 3)
            conv(f"{block}.conv3", 4 * width, width, 1)
            if n == 0:
                conv(f"{block}.shortcut", 4 * width, into, 1)
            into = 4 * width
    return shapes


def official_swin_tiny() -> dict[str, tuple[int, ...]]:
    """Mask2Former's Swin-T."""
    shapes: dict[str, tuple[int, ...]] = {
        "backbone.patch_embed.proj.weight": (96, 3, 4, 4),
        "backbone.patch_embed.proj.bias": (96,),
    }

    def norm(name: str, width: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, into), (out,)

    norm("backbone.patch_embed.norm", 96)
    for stage, (depth, heads) in enumerate(zip((2, 2, 6, 2), (3, 6, 12, 24), strict=True)):
        width = 96 * 2**stage
        for n in range(depth):
            block = f"backbone.layers.{stage}.blocks.{n}"
            norm(f"{block}.norm1", width)
            norm(f"{block}.norm2", width)
            shapes[f"{block}.attn.relative_position_bias_table"] = (169, heads)
            shapes[f"{block}.attn.relative_position_index"] = (49, 49)
            linear(f"{block}.attn.qkv", 3 * width, width)
            linear(f"{block}.attn.proj", width, width)
            linear(f"{block}.mlp.fc1", 4 * width, width)
            linear(f"{block}.mlp.fc2", width, 4 * width)
        if stage < 3:
            merging = f"backbone.layers.{stage}.downsample"
            shapes[f"{merging}.reduction.weight"] = (2 * width, 4 * width)
            norm(f"{merging}.norm", 4 * width)
        norm(f"backbone.norm{stage}", width)
    return shapes


def official_vit(width: int, depth: int, patch: int, tokens: int, scale: bool) -> dict[str, Any]:
    """GuidedDistillation's DINOv2 (`scale`) and DeiT: the hub's network and four convolutions."""
    m = "backbone.model"
    shapes: dict[str, tuple[int, ...]] = {
        f"{m}.cls_token": (1, 1, width),
        f"{m}.pos_embed": (1, tokens + 1, width),
        f"{m}.patch_embed.proj.weight": (width, 3, patch, patch),
        f"{m}.patch_embed.proj.bias": (width,),
        f"{m}.norm.weight": (width,),
        f"{m}.norm.bias": (width,),
    }
    for n in range(depth):
        block = f"{m}.blocks.{n}"
        for name in ("norm1", "norm2"):
            shapes[f"{block}.{name}.weight"] = shapes[f"{block}.{name}.bias"] = (width,)
        sizes = {"attn.qkv": (3, 1), "attn.proj": (1, 1), "mlp.fc1": (4, 1), "mlp.fc2": (1, 4)}
        for name, (out, into) in sizes.items():
            shapes[f"{block}.{name}.weight"] = (out * width, into * width)
            shapes[f"{block}.{name}.bias"] = (out * width,)
        if scale:
            shapes[f"{block}.ls1.gamma"] = shapes[f"{block}.ls2.gamma"] = (width,)
    if not scale:
        shapes[f"{m}.head.weight"], shapes[f"{m}.head.bias"] = (1000, width), (1000,)
    for n, out in enumerate((128, 256, 512, 1024)):
        shapes[f"backbone.convs.{n}.weight"], shapes[f"backbone.convs.{n}.bias"] = (
            (out, width, 1, 1),
            (out,),
        )
    return shapes


LAYOUTS: dict[str, tuple[Callable[[], dict[str, Any]], tuple[int, ...], str]] = {
    "resnet50": (official_resnet50, (256, 512, 1024, 2048), "resnet50"),
    "swin": (official_swin_tiny, (96, 192, 384, 768), "swin_tiny_patch4_window7_224"),
    "dinov2": (
        lambda: official_vit(384, 12, 14, 37 * 37, True),
        (128, 256, 512, 1024),
        "vit_small_patch14_dinov2",
    ),
    "deit": (
        lambda: official_vit(768, 12, 16, 24 * 24, False),
        (128, 256, 512, 1024),
        "deit_base_patch16_384",
    ),
}


@pytest.fixture(params=LAYOUTS)
def official(request: Any) -> tuple[dict[str, Tensor], str]:
    """A whole official state dict of each backbone family, and timm's name of the backbone."""
    backbone, channels, name = LAYOUTS[request.param]
    shapes = backbone() | official_head(channels, 5)
    state = {key: 0.02 * torch.randn(shape) for key, shape in shapes.items()}
    for key in state:
        if key.endswith("running_var"):
            state[key] = state[key].abs() + 0.5
        if key.endswith("position_index"):
            state[key] = torch.zeros_like(state[key], dtype=torch.long)
    return state, name


os.environ.setdefault("HF_HUB_OFFLINE", "1")
