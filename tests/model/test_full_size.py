"""Every network of the paper at its full size, with random weights: one step, and its size.

Sources of the sizes, in millions of parameters:
- with Mask2Former: its MODEL_ZOO.md, COCO instance segmentation, and Table 1 of the paper (CVPR
  2022): R50 44, Swin-B 107, Swin-L with 200 queries 216;
- transformers alone: DINOv2's README (ViT-B/14 86; ViT-L/14 300, which is 304 to three digits) and
  the table of models in DeiT (86); the pyramid and the segmentation head come on top;
- torchvision's page of maskrcnn_resnet50_fpn: 44,401,393 with COCO's 91 classes, all batch
  normalisation being fixed.
"""

import gc
from typing import Any

import pytest
import torch
from torch import nn

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.grid.presets import backbone
from gdsweep.model import Criterion, Mask2Former, MaskRCNN, Normaliser

CLASSES = 80


def settings_of(preset: str) -> ModelSettings:
    """A backbone preset's model settings, with random weights."""
    found = backbone(preset)
    values = {a.target[1]: a.value for a in found.extras.assignments if a.target[0] == "model"}
    return ModelSettings(backbone=found.timm, weights="random", **values)


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.fixture(autouse=True)
def freed() -> Any:
    yield
    gc.collect()


def step(model: Mask2Former, target: Any) -> None:
    """One forward and backward pass; every parameter has a finite gradient."""
    outputs = model([torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)])
    assert outputs.layers[-1].mask_logits.shape[-2:] == (16, 24)
    criterion = Criterion(CLASSES, LossSettings(points=64))
    queries = outputs.layers[-1].class_logits.shape[1]
    losses = criterion(outputs, [target], Normaliser.of([2], queries, 0.1))
    torch.stack(list(losses.values())).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "whole", "queries"),
    [("resnet50", 44, 100), ("swin-base-in22k", 107, 100), ("swin-large", 216, 200)],
)
def test_mask2formers_own_backbones(preset: str, whole: float, queries: int, scene: Any) -> None:
    model = Mask2Former(settings_of(preset), CLASSES)
    assert millions(model) == pytest.approx(whole, abs=0.6)
    target = scene([(3, 5, 5, 40, 40), (17, 20, 30, 60, 90)], 64, 96)
    outputs = model([torch.zeros(3, 32, 32)], auxiliary=False)
    assert outputs.layers[-1].class_logits.shape == (1, queries, CLASSES + 1)
    step(model, target)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "alone", "width"),
    [("deit-base", 86, 768), ("dinov2-base", 86, 768), ("dinov2-large", 304, 1024)],
)
def test_vision_transformers(preset: str, alone: float, width: int, scene: Any) -> None:
    model = Mask2Former(settings_of(preset), CLASSES)
    assert millions(model.backbone.net) == pytest.approx(alone, abs=0.6)
    adapters = (width + 1) * (128 + 256 + 512 + 1024)
    assert millions(model.backbone) - millions(model.backbone.net) == pytest.approx(adapters / 1e6)
    step(model, scene([(3, 5, 5, 40, 40), (17, 20, 30, 60, 90)], 64, 96))


@pytest.mark.slow
def test_mask_rcnn_is_torchvisions(scene: Any) -> None:
    settings = settings_of("mask-rcnn-resnet50")
    model = MaskRCNN(settings, 90)
    assert sum(parameter.numel() for parameter in model.parameters()) == 44_401_393
    images = [torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)]
    losses = model(images, [scene([(3, 5, 5, 40, 40)], 64, 96)])
    torch.stack(list(losses.values())).sum().backward()
    assert all(value.isfinite() for value in losses.values())
