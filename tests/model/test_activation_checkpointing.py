"""Computing activations again: the same gradients to the last bit, and fewer tensors kept."""

from typing import Any

import pytest
import torch

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import Network, build_network

SMALL = {
    "weights": "random", "hidden": 16, "heads": 2, "queries": 4, "encoder_layers": 1,
    "encoder_feedforward": 16, "decoder_layers": 1, "decoder_feedforward": 16, "drop_path": 0.2,
}  # fmt: skip


def network(**changes: Any) -> Network:
    torch.manual_seed(0)
    return build_network(ModelSettings.model_validate({**SMALL, **changes}), 3).train()


def kept_and_gradients(model: Network) -> tuple[int, dict[str, torch.Tensor]]:
    """Bytes kept for the backward pass, and the gradients it gives."""
    torch.manual_seed(1)
    image = torch.rand(3, 64, 96) * 255
    kept: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        layers = model([image], [None]).layers
    sum(layer.mask_logits.square().mean() for layer in layers).backward()
    return sum(kept.values()), {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "test_vit"},
        {"backbone": "swin_test"},
        {"backbone": "test_convnext"},
        {"backbone": "test_vit", "architecture": "eomt"},
    ],
    ids=lambda changes: "-".join(changes.values()),
)
def test_gradients_are_the_same_and_less_is_kept(changes: dict[str, Any]) -> None:
    plain, frugal = network(**changes), network(**changes)
    frugal.checkpoint_activations()
    kept, wanted = kept_and_gradients(plain)
    less, found = kept_and_gradients(frugal)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    assert less < 0.9 * kept


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"backbone": "test_resnet", "norm": "batch", "drop_path": 0.0}, "statistics would count"),
        ({"backbone": "resnet18", "architecture": "mask-rcnn", "norm": "batch", "drop_path": 0.0},
         "MaskRCNN has none"),
    ],
)  # fmt: skip
def test_backbones_that_cannot_say_so(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        network(**changes).checkpoint_activations()
