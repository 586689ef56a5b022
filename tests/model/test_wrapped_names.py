"""Prefixes that wrappers put before the names of a network's tensors."""

import pytest
from torch import nn
from torch.optim.swa_utils import AveragedModel

from gdsweep.model.wrapped_names import unwrapped

PLAIN = {"backbone.a": 1, "head.b": 2}


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.model."])
def test_a_prefix_of_every_name_is_left_out(prefix: str) -> None:
    assert unwrapped({f"{prefix}{name}": v for name, v in PLAIN.items()}) == (PLAIN, prefix)


@pytest.mark.parametrize("beside", ["n_averaged", "criterion.empty_weight", "loss.constant"])
def test_what_a_wrapper_keeps_beside_the_network_goes_with_it(beside: str) -> None:
    wrapped = {f"model.{name}": v for name, v in PLAIN.items()} | {beside: 3}
    assert unwrapped(wrapped) == (PLAIN, "model.")


def test_other_names_stay_as_they_are() -> None:
    for names in (
        PLAIN,
        PLAIN | {"criterion.empty_weight": 3},
        {"model.a": 1, "class_predictor.b": 2},  # transformers'
        {"modelStudent.a": 1, "modelTeacher.a": 2},
        {"n_averaged": 1},
        {},
    ):
        assert unwrapped(names) == (names, "")


def test_as_torch_wraps() -> None:
    plain = nn.Linear(2, 2)
    for wrapper in (AveragedModel(plain), nn.DataParallel(plain)):
        given, _ = unwrapped(wrapper.state_dict())
        assert given.keys() == plain.state_dict().keys()
