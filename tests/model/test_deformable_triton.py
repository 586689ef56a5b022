"""Triton's kernels without a GPU: interpreted beside PyTorch's operator, compiled for each card."""

import importlib.util
import os
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

from gdsweep.model.deformable_attention import _geometry, deformable_attention

pytest.importorskip("triton", reason="Triton comes with PyTorch on Linux only")

import triton
from triton import language
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gdsweep.model import deformable_triton

SHAPES = [(3, 5), (1, 7)]


@pytest.fixture
def interpreted() -> Any:
    """The module with its kernels executed by Triton's interpreter, on CPU tensors."""
    spec = importlib.util.spec_from_file_location("interpreted", deformable_triton.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, {"TRITON_INTERPRET": "1"}):  # read where a kernel is decorated
        spec.loader.exec_module(module)
    # Triton's own `sum` was decorated before: what it does, as a function of Python
    with mock.patch.object(
        language, "sum", lambda x, axis: language.reduce(x, axis, language.standard._sum_combine)
    ):
        yield module


def inputs(images: int = 2) -> list[Tensor]:
    Q, heads, points, d = deformable_triton.BLOCK_Q + 2, 2, 2, 6
    S = sum(h * w for h, w in SHAPES)
    value = torch.randn(images, S, heads, d)
    # a good share of the locations lies outside, some far
    locations = torch.rand(images, Q, heads, len(SHAPES), points, 2) * 2 - 0.5
    locations[0, 0] = 50.0
    locations[0, 1] = -1e8
    weights = torch.rand(images, Q, heads, len(SHAPES), points)
    return [value.requires_grad_(), locations.requires_grad_(), weights.requires_grad_()]


def sampled(module: ModuleType, value: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
    geometry = torch.cat(_geometry(SHAPES, value.device), 1).T.contiguous()
    found: Tensor = module.TritonSampling.apply(value, geometry, locations, weights)
    return found


def close(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    """Demand equality up to `tolerance` of the largest entry."""
    assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max()


def test_equals_pytorch_with_gradients(interpreted: ModuleType) -> None:
    given = inputs()
    ours = sampled(interpreted, *given)
    theirs = deformable_attention(given[0], SHAPES, given[1], given[2])
    close(ours, theirs, 1e-6)
    seed = torch.randn_like(ours)
    grads = torch.autograd.grad(ours, given, seed)
    for mine, other in zip(grads, torch.autograd.grad(theirs, given, seed), strict=True):
        close(mine, other, 1e-6)


def test_half_values_are_summed_in_single_precision(interpreted: ModuleType) -> None:
    dtype = torch.bfloat16
    value, locations, weights = inputs(images=1)
    half = value.detach().to(dtype).requires_grad_()
    ours = sampled(interpreted, half, locations, weights)
    wide = half.detach().float().requires_grad_()
    theirs = deformable_attention(wide, SHAPES, locations, weights)
    assert ours.dtype == dtype
    precision = torch.finfo(dtype).eps  # one rounding, at the end
    torch.testing.assert_close(ours.float(), theirs, rtol=precision, atol=1e-6)
    seed = torch.randn_like(theirs).to(dtype)
    grads = torch.autograd.grad(ours, [half, locations, weights], seed)
    wanted = torch.autograd.grad(theirs, [wide, locations, weights], seed.float())
    assert grads[0].dtype == dtype
    torch.testing.assert_close(grads[0].float(), wanted[0], rtol=precision, atol=1e-6)
    close(grads[1], wanted[1], 1e-6)
    close(grads[2], wanted[2], 1e-6)


def test_a_nan_location_gives_nan_not_a_crash(interpreted: ModuleType) -> None:
    value, locations, weights = (x.detach() for x in inputs())
    locations[1, 2, 0, 1, 0, 0] = float("nan")
    with pytest.warns(RuntimeWarning, match="invalid value encountered in cast"):
        out = sampled(interpreted, value, locations, weights)
    assert out[1, 2].isnan().any()
    assert not out[0].isnan().any()


@pytest.mark.parametrize(
    ("capability", "values"), [(70, "fp16"), (75, "fp16"), (80, "bf16"), (90, "fp32")]
)
def test_compiles_for(capability: int, values: str) -> None:
    """For a V100, a T4, an A100 and an H100, without spilled registers."""
    sizes = {"H": 8, "L": 3, "P": 4, "D": 32, "BLOCK_D": 32, "BLOCK_Q": deformable_triton.BLOCK_Q}
    for kernel, more in (
        (deformable_triton.forward_kernel, {}),
        (deformable_triton.backward_kernel, {"OF_VALUE": True}),
    ):
        source = ASTSource(kernel, types(kernel, values), sizes | more)
        made = triton.compile(source, target=GPUTarget("cuda", capability, 32))
        assert made.asm["cubin"]
        assert ".local" not in made.asm["ptx"]


def types(kernel: Any, values: str) -> dict[str, str]:
    """Triton's types of a kernel's arguments."""
    known = {"S": "i32", "Q": "i32", "geometry": "*i32"}
    for name in ("value", "out", "grad"):
        known[name] = f"*{values}"
    for name in ("locations", "weights", "grad_value", "grad_locations", "grad_weights"):
        known[name] = "*fp32"
    return {name: known.get(name, "constexpr") for name in kernel.arg_names}
