"""What every network offers, whichever `model.architecture` names."""

import typing

import pytest
import torch

from gdsweep.config import ARCHITECTURES, ModelSettings
from gdsweep.model import NETWORKS, Network, Outputs, build_network

TINY = {
    "weights": "random", "norm": "batch", "hidden": 16, "heads": 2, "queries": 4,
    "encoder_layers": 1, "encoder_feedforward": 16, "decoder_layers": 1, "decoder_feedforward": 16,
}  # fmt: skip
BACKBONES = {"mask2former": "test_resnet", "eomt": "test_vit", "mask-rcnn": "resnet18"}


def tiny(architecture: str, **changes: object) -> Network:
    """A small network of that name for three classes."""
    torch.manual_seed(0)
    values = {**TINY, "architecture": architecture, "backbone": BACKBONES[architecture], **changes}
    return build_network(ModelSettings.model_validate(values), 3)


def test_settings_planning_and_building_know_the_same_networks() -> None:
    named = typing.get_args(ModelSettings.model_fields["architecture"].annotation)
    assert set(named) == set(ARCHITECTURES) == set(NETWORKS) == set(BACKBONES)
    for name, network in NETWORKS.items():
        assert network.teachable == ARCHITECTURES[name].teachable


@pytest.mark.parametrize("name", BACKBONES)
def test_predictions_are_at_the_images_own_size(name: str) -> None:
    network = tiny(name).eval()
    images = [torch.rand(3, 64, 96) * 255, torch.rand(3, 80, 64) * 255]
    found = network.predict(images, [(128, 192), (40, 32)], detections=5)
    assert [tuple(one.masks.shape[-2:]) for one in found] == [(128, 192), (40, 32)]
    assert all(len(one.scores) <= 5 for one in found)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_class_head_has_a_row_for_each_class_and_one_for_none(name: str) -> None:
    network = tiny(name)
    assert len(network.state_dict()[f"{network.class_head}.weight"]) == 4


@pytest.mark.parametrize("name", [n for n, a in ARCHITECTURES.items() if a.teachable])
def test_a_teachable_network_returns_what_the_criterion_compares(name: str) -> None:
    network = tiny(name)
    image = torch.rand(3, 64, 96) * 255
    outputs = network([image], [None])
    assert isinstance(outputs, Outputs)
    assert outputs.size == (64, 96)
    for layer in outputs.layers:
        assert layer.class_logits.shape == (1, 4, 4)
        assert layer.mask_logits.shape == (1, 4, 16, 24)
    assert len(network([image], auxiliary=False).layers) == 1
