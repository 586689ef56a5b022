"""Parameter groups: who decays, and who learns at the backbone's rate."""

import pytest
import torch
from torch import nn

from gdsweep.config import OptimizerSettings
from gdsweep.train.optimizer import build_optimizer, set_rate


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
        self.backbone.relative_position_bias_table = nn.Parameter(torch.zeros(3))
        self.head = nn.Linear(4, 2)
        self.norm = nn.LayerNorm(4)
        self.queries = nn.Embedding(5, 4)
        self.level_embed = nn.Parameter(torch.zeros(3, 4))


def _group_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict:
    found = [g for g in optimizer.param_groups if any(p is parameter for p in g["params"])]
    assert len(found) == 1
    return found[0]


def test_groups_follow_the_public_code():
    model = _Model()
    optimizer = build_optimizer(model, OptimizerSettings())
    expected = {
        model.backbone[0].weight: (0.1, 0.05),
        model.backbone[0].bias: (0.1, 0.05),
        model.backbone[1].weight: (0.1, 0.0),
        model.backbone.relative_position_bias_table: (0.1, 0.0),
        model.head.bias: (1.0, 0.05),
        model.norm.weight: (1.0, 0.0),
        model.queries.weight: (1.0, 0.0),
        model.level_embed: (1.0, 0.05),
    }
    for parameter, (multiplier, decay) in expected.items():
        group = _group_of(optimizer, parameter)
        assert (group["multiplier"], group["weight_decay"]) == (multiplier, decay)


def test_a_frozen_parameter_is_in_no_group():
    model = _Model()
    model.backbone.requires_grad_(False)
    optimizer = build_optimizer(model, OptimizerSettings())
    assert {g["multiplier"] for g in optimizer.param_groups} == {1.0}


def test_the_rate_keeps_the_multiplier():
    model = _Model()
    optimizer = build_optimizer(model, OptimizerSettings(lr=1e-4))
    set_rate(optimizer, 5e-5)
    assert _group_of(optimizer, model.backbone[0].weight)["lr"] == pytest.approx(5e-6)
    assert _group_of(optimizer, model.head.weight)["lr"] == pytest.approx(5e-5)


def test_sgd_has_the_same_groups_and_momentum():
    model = _Model()
    settings = OptimizerSettings(algorithm="sgd", lr=0.02, momentum=0.8, weight_decay=1e-4)
    optimizer = build_optimizer(model, settings)
    assert isinstance(optimizer, torch.optim.SGD)
    group = _group_of(optimizer, model.head.weight)
    assert (group["momentum"], group["weight_decay"], group["lr"]) == (0.8, 1e-4, 0.02)
    assert _group_of(optimizer, model.backbone[0].weight)["multiplier"] == 0.1
    before = model.head.bias.detach().clone()
    for _ in range(2):  # the second step carries the first: lr (1 + 1 + 0.8) without decay
        model.head.bias.grad = torch.ones(2)
        optimizer.step()
    moved = before - model.head.bias
    torch.testing.assert_close(moved, torch.full((2,), 0.02 * 2.8), rtol=1e-3, atol=0)


def test_a_vits_rate_falls_from_block_to_block():
    class _ViT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = nn.Module()
            self.backbone.cls_token = nn.Parameter(torch.zeros(1))
            self.backbone.patch_embed = nn.Linear(2, 2)
            self.backbone.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
            self.backbone.norm = nn.LayerNorm(2)
            self.queries = nn.Embedding(2, 2)

    model = _ViT()
    settings = OptimizerSettings(layer_decay=0.5, backbone_multiplier=0.1)
    optimizer = build_optimizer(model, settings)
    expected = {
        model.queries.weight: 1.0,
        model.backbone.norm.weight: 0.1,
        model.backbone.blocks[2].weight: 0.1,
        model.backbone.blocks[1].weight: 0.05,
        model.backbone.blocks[0].bias: 0.025,
        model.backbone.patch_embed.weight: 0.025,
        model.backbone.cls_token: 0.025,
    }
    for parameter, multiplier in expected.items():
        assert _group_of(optimizer, parameter)["multiplier"] == pytest.approx(multiplier)
