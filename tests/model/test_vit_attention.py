"""timm's attention by another operator: the same numbers, in every copy of the network."""

import copy
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import vit_attention
from gdsweep.model.attention import attention
from gdsweep.model.vit import create_vit


def transformer(name: str, backend: str) -> Any:
    torch.manual_seed(0)
    settings = ModelSettings(backbone=name, weights="random")
    return create_vit(settings, backend, img_size=56 if "patch14" in name else 64, depth=2).eval()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of `attention`, which computes by PyTorch in xformers' place."""
    seen: list[str] = []

    def by_pytorch(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, backend: str) -> Tensor:
        seen.append(backend)
        return attention(q, k, v, mask, "sdpa")

    monkeypatch.setattr(vit_attention, "attention", by_pytorch)
    return seen


@pytest.mark.parametrize("name", ["test_vit", "vit_small_plus_patch16_dinov3"])
def test_every_block_asks_for_the_operator(name: str, calls: list[str]) -> None:
    net = transformer(name, "xformers")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        found = net.forward_features(image)
        assert calls == ["xformers"] * len(net.blocks)
        plain = transformer(name, "sdpa")
        assert torch.equal(found, plain.forward_features(image))
    assert len(calls) == len(net.blocks)


def test_a_copy_attends_with_weights_of_its_own(calls: list[str]) -> None:
    net = transformer("test_vit", "xformers")
    other = copy.deepcopy(net)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = net.forward_features(image)
        for parameter in other.parameters():
            parameter.mul_(2)
        assert torch.equal(net.forward_features(image), before)
        assert not torch.equal(other.forward_features(image), before)


def test_masks_of_all_heads_reach_it_and_others_stay(calls: list[str]) -> None:
    layer = transformer("test_vit", "xformers").blocks[0].attn
    tokens = torch.randn(2, 5, layer.qkv.in_features)
    one = torch.rand(2, 1, 5, 5) > 0.3
    one[..., 0] = True
    per_head = one.expand(-1, layer.num_heads, -1, -1)
    with torch.no_grad():
        assert torch.equal(layer(tokens, attn_mask=one), layer(tokens, attn_mask=per_head))
    assert len(calls) == 1


def test_xformers_on_a_cpu_is_refused_and_auto_is_timms() -> None:
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        with pytest.raises(BadInput, match="xformers has no CPU operator"):
            transformer("test_vit", "xformers").forward_features(image)
        plain = transformer("test_vit", "sdpa").forward_features(image)
        assert torch.equal(transformer("test_vit", "auto").forward_features(image), plain)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.skipif(find_spec("xformers") is None, reason="xformers is not installed")
def test_xformers_equals_pytorch_on_cuda() -> None:
    image = torch.randn(1, 3, 56, 56, device="cuda")
    found = []
    for backend in ("xformers", "sdpa"):
        net = transformer("vit_small_patch14_reg4_dinov2", backend).cuda()
        tokens = net.forward_features(image)
        tokens.square().sum().backward()
        found.append((tokens, net.blocks[0].attn.qkv.weight.grad))
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).norm() <= 1e-3 * theirs.norm()
