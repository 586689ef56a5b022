"""The sine encoding."""

import math

import torch

from gdsweep.model.position import sine_position


def test_values_and_order() -> None:
    code = sine_position(3, 5, 16, torch.device("cpu"))
    assert code.shape == (15, 16)
    grid = code.view(3, 5, 16)
    # the first half knows only y, the second only x
    assert torch.equal(grid[1, 0, :8], grid[1, 4, :8])
    assert torch.equal(grid[0, 2, 8:], grid[2, 2, 8:])
    angle = 2 / 3 * 2 * math.pi
    torch.testing.assert_close(
        grid[1, 0, :4],
        torch.tensor(
            [math.sin(angle), math.cos(angle), math.sin(angle / 10), math.cos(angle / 10)]
        ),
        rtol=0,
        atol=1e-5,
    )
    torch.testing.assert_close(grid[0, 4, 8:10], torch.tensor([0.0, 1.0]), rtol=0, atol=1e-5)
