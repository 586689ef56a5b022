"""Reading masks and maps at points."""

import torch
import torch.nn.functional as F

from gdsweep.model import points as points_module
from gdsweep.model.points import (
    TargetMasks,
    least_certain,
    sample_maps,
    seeded_points,
    uniform_points,
)


def test_masks_are_read_as_grid_sample_reads_maps() -> None:
    first, second = torch.rand(2, 7, 5) > 0.5, torch.rand(3, 4, 9) > 0.5
    masks = TargetMasks.of([first, second], [(5, 7), (9, 4)])
    points = torch.rand(6, 50, 2) * 1.4 - 0.2  # some outside
    found = masks.read(torch.tensor([1, 4, 0, 3, 2, 4]), points)
    order = [(first, 1), (second, 2), (first, 0), (second, 1), (second, 0), (second, 2)]
    for row, (image, mask), at in zip(found, order, points, strict=True):
        wanted = sample_maps(image[mask].float()[None, None], at[None])[0, 0]
        torch.testing.assert_close(row, wanted, rtol=0, atol=1e-5)


def test_padding_is_a_matter_of_coordinates() -> None:
    masks = torch.rand(2, 6, 10) > 0.5
    padded = F.pad(masks, (0, 6, 0, 2))  # canvas of 8 x 16
    points = torch.rand(2, 200, 2)
    both = torch.arange(2)
    torch.testing.assert_close(
        TargetMasks.of([masks], [(16, 8)]).read(both, points),
        TargetMasks.of([padded], [(16, 8)]).read(both, points),
        rtol=0,
        atol=1e-5,
    )


def test_a_cell_centre_reads_the_cell() -> None:
    maps = torch.arange(6.0).view(1, 1, 2, 3)
    points = torch.tensor([[[1 / 6, 1 / 4], [5 / 6, 3 / 4]]])
    torch.testing.assert_close(sample_maps(maps, points), torch.tensor([[[0.0, 5.0]]]))


def test_least_certain_keeps_the_points_at_the_border() -> None:
    ramp = torch.linspace(-8, 8, 16).expand(1, 16, 16)  # zero crossing at x = 0.5
    candidates = torch.rand(1, 300, 2)
    kept = least_certain(ramp, candidates, 30)
    assert kept.shape == (1, 30, 2)
    distances = (candidates[0, :, 0] - 0.5).abs().sort().values
    assert (kept[0, :, 0] - 0.5).abs().max() <= distances[29] + 1e-6


def test_seeded_points_do_not_depend_on_the_grouping() -> None:
    cpu = torch.device("cpu")
    together, alone = seeded_points([3, 8], cpu), seeded_points([8], cpu)
    together(0, 5, 10)
    assert torch.equal(together(1, 2, 10), alone(0, 2, 10))
    assert torch.equal(together(1, 4, 6), alone(0, 4, 6))


def test_uniform_points_use_the_global_generator() -> None:
    draw = uniform_points(torch.device("cpu"))
    torch.manual_seed(5)
    first = draw(0, 2, 10)
    torch.manual_seed(5)
    assert torch.equal(first, draw(0, 2, 10))
    assert first.shape == (2, 10, 2)
    assert first.min() >= 0
    assert first.max() < 1


def test_sampling_in_a_fixed_order_is_the_same() -> None:
    """What CUDA's deterministic algorithms take in place of `grid_sample`."""
    maps, points = torch.randn(3, 2, 5, 7), torch.rand(3, 40, 2) * 1.2 - 0.1
    results = []
    for sample in (sample_maps, points_module._sampled_in_order):
        leaf = maps.clone().requires_grad_()
        found = sample(leaf, points)
        (grad,) = torch.autograd.grad(found.square().sum(), leaf)
        results.append((found, grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
