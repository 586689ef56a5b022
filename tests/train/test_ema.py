"""Eq. (5), and the leak the public code has."""

import copy

import torch
from torch import nn

from gdsweep.train.ema import MovingAverage


def _pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    average = copy.deepcopy(model).requires_grad_(False)
    for step in range(3):
        model(torch.randn(2, 3, 5, 5) * (step + 1))  # moves the running statistics
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    return average, model


def test_parameters_and_statistics_follow_equation_5():
    average, model = _pair()
    before = copy.deepcopy(average.state_dict())
    MovingAverage(average, model).update(0.9)
    after, student = average.state_dict(), model.state_dict()
    for name, value in after.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.9 * before[name] + 0.1 * student[name])
            assert not torch.equal(value, before[name]), name
    assert after["1.num_batches_tracked"] == student["1.num_batches_tracked"] == 3


def test_alpha_zero_is_an_exact_copy_even_of_an_average_that_is_not_finite():
    average, model = _pair()
    with torch.no_grad():
        average[0].weight.fill_(float("nan"))
    MovingAverage(average, model).update(0.0)
    for name, value in average.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_the_average_stays_out_of_the_students_graph():
    average, model = _pair()
    moving = MovingAverage(average, model)
    for _ in range(3):
        moving.update(0.5)
    assert all(p.is_leaf and p.grad_fn is None for p in average.parameters())


def test_it_follows_weights_that_are_loaded_meanwhile():
    average, model = _pair()
    moving = MovingAverage(average, model)
    other = {name: torch.full_like(value, 2) for name, value in model.state_dict().items()}
    model.load_state_dict(other)
    average.load_state_dict({name: torch.zeros_like(value) for name, value in other.items()})
    moving.update(0.25)
    for name, value in average.state_dict().items():
        assert torch.all(value == (1.5 if value.is_floating_point() else 2)), name
