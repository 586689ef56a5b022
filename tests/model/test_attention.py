"""One attention function, whichever operator computes it."""

import importlib.util
import math

import pytest
import torch
from torch import Tensor, nn

from gdsweep.errors import BadInput
from gdsweep.model.attention import MultiheadAttention, _aligned_bias, attention

HAS_XFORMERS = importlib.util.find_spec("xformers") is not None


def naive(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    scores = torch.einsum("blhd,bshd->bhls", query, key) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None], float("-inf"))
    return torch.einsum("bhls,bshd->blhd", scores.softmax(-1), value)


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = (torch.randn(2, n, 4, 8) for n in (5, 13, 13))
    mask = torch.rand(2, 5, 13) > 0.5
    mask[..., 0] = True
    return query, key, value, mask


@pytest.mark.parametrize("backend", ["auto", "sdpa"])
@pytest.mark.parametrize("masked", [True, False])
def test_equals_the_definition(backend: str, masked: bool) -> None:
    query, key, value, mask = inputs()
    given = mask if masked else None
    found = attention(query, key, value, given, backend)
    torch.testing.assert_close(found, naive(query, key, value, given), rtol=1e-5, atol=1e-6)


def test_multihead_equals_torchs() -> None:
    ours, theirs = MultiheadAttention(16, 4), nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        for bias in (ours.in_proj.bias, ours.out_proj.bias):
            bias.normal_()
        theirs.in_proj_weight.copy_(ours.in_proj.weight)
        theirs.in_proj_bias.copy_(ours.in_proj.bias)
    theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
    query, key, value = torch.randn(2, 5, 16), torch.randn(2, 13, 16), torch.randn(2, 13, 16)
    mask = inputs()[3]
    blocked = (~mask).repeat_interleave(4, 0)  # torch: per head, true is blocked
    wanted, _ = theirs(query, key, value, attn_mask=blocked)
    torch.testing.assert_close(ours(query, key, value, mask), wanted, rtol=1e-5, atol=1e-6)


def test_initial_range_is_the_stacked_matrixs() -> None:
    # xavier over the stacked [3 d, d] matrix, as torch.nn.MultiheadAttention has it
    bound = math.sqrt(6 / (4 * 64))
    weight = MultiheadAttention(64, 4).in_proj.weight
    assert 0.95 * bound < weight.abs().max() <= bound


def test_xformers_on_a_cpu_is_refused() -> None:
    query, key, value, mask = inputs()
    with pytest.raises(BadInput, match="xformers has no CPU operator"):
        attention(query, key, value, mask, "xformers")


def test_unknown_backend_names_the_known() -> None:
    query, key, value, mask = inputs()
    with pytest.raises(BadInput, match="auto, xformers, sdpa"):
        attention(query, key, value, mask, "flash")


def test_bias_rows_are_aligned() -> None:
    query, _, _, mask = inputs()
    bias = _aligned_bias(mask, query)
    assert bias.shape == (2, 4, 5, 13)
    assert bias.stride(-2) % 8 == 0
    assert bias.stride(-1) == 1
    assert torch.equal(bias == 0, mask[:, None].expand(-1, 4, -1, -1))
    assert bias[~mask[:, None].expand(-1, 4, -1, -1)].isneginf().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.skipif(not HAS_XFORMERS, reason="xformers is not installed")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_xformers_equals_sdpa(dtype: torch.dtype) -> None:
    query, key, value, mask = inputs()
    moved = [x.cuda().to(dtype).requires_grad_() for x in (query, key, value)]
    results = []
    for backend in ("xformers", "sdpa"):
        out = attention(moved[0], moved[1], moved[2], mask.cuda(), backend)
        results.append([out, *torch.autograd.grad(out.float().square().sum(), moved)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-2)
