"""Small models and targets for the tests of this room."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.config import ModelSettings


@dataclass(frozen=True)
class Scene:
    """Targets of one image, as the criterion reads them."""

    labels: Tensor
    masks: Tensor


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> Any:
    """Equal sums on every machine, and no fight over shared cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def settings() -> ModelSettings:
    """A Mask2Former of a few thousand parameters a layer."""
    return ModelSettings(
        backbone="test_resnet",
        weights="random",
        norm="batch",
        hidden=32,
        heads=4,
        queries=10,
        encoder_layers=2,
        encoder_feedforward=48,
        decoder_layers=4,
        decoder_feedforward=40,
    )


@pytest.fixture
def scene() -> Any:
    """Make rectangles: scene([(label, top, left, bottom, right), ...], height, width)."""

    def make(boxes: list[tuple[int, int, int, int, int]], height: int, width: int) -> Scene:
        masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
        for mask, (_, top, left, bottom, right) in zip(masks, boxes, strict=True):
            mask[top:bottom, left:right] = True
        return Scene(torch.tensor([box[0] for box in boxes], dtype=torch.long), masks)

    return make
