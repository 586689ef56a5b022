"""Deformable attention equals grid_sample level by level, gradients included."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.model.deformable_attention import (
    DeformableAttention,
    deformable_attention,
    reference_points,
)

SHAPES = [(3, 5), (6, 4), (1, 7)]


def reference(value: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
    B, _, heads, d = value.shape
    Q = locations.shape[1]
    total = torch.zeros(B * heads, d, Q, dtype=value.dtype)
    parts = value.split([h * w for h, w in SHAPES], 1)
    for level, ((h, w), part) in enumerate(zip(SHAPES, parts, strict=True)):
        maps = part.permute(0, 2, 3, 1).reshape(B * heads, d, h, w)
        grid = 2 * locations[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1
        read = F.grid_sample(maps, grid, padding_mode="zeros", align_corners=False)
        weight = weights[:, :, :, level].transpose(1, 2).reshape(B * heads, 1, Q, -1)
        total = total + (read * weight).sum(-1)
    return total.view(B, heads * d, Q).transpose(1, 2)


def inputs(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    B, Q, heads, points, d = 2, 9, 2, 4, 8
    S = sum(h * w for h, w in SHAPES)
    value = torch.randn(B, S, heads, d, dtype=dtype)
    # a good share of the locations lies outside, some far
    locations = torch.rand(B, Q, heads, len(SHAPES), points, 2, dtype=dtype) * 2 - 0.5
    locations[0, 0] = 50.0
    weights = torch.rand(B, Q, heads, len(SHAPES), points, dtype=dtype)
    return value.requires_grad_(), locations.requires_grad_(), weights.requires_grad_()


def test_equals_grid_sample_with_gradients() -> None:
    given = inputs(torch.float64)
    ours = deformable_attention(given[0], SHAPES, given[1], given[2])
    theirs = reference(*given)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    seed = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, given, seed),
        torch.autograd.grad(theirs, given, seed),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


def test_single_precision() -> None:
    given = inputs(torch.float32)
    ours = deformable_attention(given[0], SHAPES, given[1], given[2])
    torch.testing.assert_close(ours, reference(*given), rtol=1e-5, atol=1e-5)


def test_gradients_only_where_asked() -> None:
    value, locations, weights = (x.detach() for x in inputs(torch.float32))
    value.requires_grad_()
    deformable_attention(value, SHAPES, locations, weights).sum().backward()
    assert value.grad is not None
    assert value.grad.abs().sum() > 0
    weights.requires_grad_()
    deformable_attention(value.detach(), SHAPES, locations, weights).sum().backward()
    assert weights.grad is not None
    assert weights.grad.abs().sum() > 0


def test_forward_and_backward_repeat_bit_for_bit() -> None:
    given = inputs(torch.float32)
    runs = []
    for _ in range(2):
        out = deformable_attention(given[0], SHAPES, given[1], given[2])
        runs.append([out, *torch.autograd.grad(out.square().sum(), given)])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_only_values_locations_and_weights_are_kept_for_the_backward_pass() -> None:
    shapes = [(side, side) for side in (16, 32, 64)]  # of a 512 x 512 image
    S = sum(h * w for h, w in shapes)
    value = torch.randn(1, S, 8, 32, requires_grad=True)
    locations = torch.rand(1, S, 8, 3, 4, 2, requires_grad=True)
    weights = torch.rand(1, S, 8, 3, 4, requires_grad=True)
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        deformable_attention(value, shapes, locations, weights)
    assert sum(kept.values()) == 4 * sum(x.numel() for x in (value, locations, weights))
    assert sum(kept.values()) < 12 * 2**20


def test_a_nan_location_gives_nan_not_a_crash() -> None:
    value, locations, weights = inputs(torch.float32)
    with torch.no_grad():
        locations[1, 2, 0, 1, 0, 0] = float("nan")
    out = deformable_attention(value, SHAPES, locations, weights)
    assert out[1, 2].isnan().any()
    assert not out[0].isnan().any()


def test_initial_offsets_look_one_cell_further_with_each_point() -> None:
    module = DeformableAttention(dim=16, heads=8, levels=3, points=4)
    bias = module.sampling_offsets.bias.view(8, 3, 4, 2)
    lengths = bias.abs().amax(-1)
    expected = torch.arange(1.0, 5.0).expand(8, 3, 4)
    torch.testing.assert_close(lengths, expected)
    torch.testing.assert_close(bias[0, 0, 0], torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(bias[2, 1, 3], torch.tensor([0.0, 4.0]), atol=1e-6, rtol=0)
    assert module.attention_weights.weight.abs().sum() == 0


def test_reference_points_are_cell_centres() -> None:
    points = reference_points([(2, 4)], torch.device("cpu"))
    assert points.shape == (8, 2)
    torch.testing.assert_close(points[0], torch.tensor([0.125, 0.25]))
    torch.testing.assert_close(points[3], torch.tensor([0.875, 0.25]))
    torch.testing.assert_close(points[4], torch.tensor([0.125, 0.75]))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("backend", ["triton", "pytorch"])
def test_cuda_equals_cpu(backend: str) -> None:
    given = inputs(torch.float32)
    moved = [x.detach().cuda().requires_grad_() for x in given]
    ours = deformable_attention(moved[0], SHAPES, moved[1], moved[2], backend)
    theirs = deformable_attention(given[0], SHAPES, given[1], given[2])
    torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-5)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), moved),
        torch.autograd.grad(theirs.square().sum(), given),
        strict=True,
    ):
        torch.testing.assert_close(mine.cpu(), other, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_triton_equals_pytorch_at_full_size(dtype: torch.dtype) -> None:
    shapes = [(16, 32), (32, 64), (64, 128)]
    S = sum(h * w for h, w in shapes)
    value = torch.randn(2, S, 8, 32, device="cuda").to(dtype).requires_grad_()
    near = reference_points(shapes, torch.device("cuda")).view(1, S, 1, 1, 1, 2)
    locations = (near + 0.05 * torch.randn(2, S, 8, 3, 4, 2, device="cuda")).requires_grad_()
    weights = torch.rand(2, S, 8, 3, 4, device="cuda", requires_grad=True)
    given = (value, locations, weights)
    results = []
    for backend in ("triton", "pytorch"):
        out = deformable_attention(value, shapes, locations, weights, backend)
        results.append([out, *torch.autograd.grad(out.float().square().sum(), given)])
    tolerance = 1e-5 if dtype == torch.float32 else 4 * torch.finfo(dtype).eps
    for ours, theirs in zip(*results, strict=True):
        assert (ours.float() - theirs.float()).norm() <= tolerance * theirs.float().norm()
