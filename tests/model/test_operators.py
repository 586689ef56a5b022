"""Which operator is taken where, and what is said of it, on cards that are not here."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gdsweep.errors import BadInput
from gdsweep.model import Operators
from gdsweep.model import attention as attention_module
from gdsweep.model.attention import attention_operator
from gdsweep.model.deformable_attention import deformable_operator
from gdsweep.model.operators import described


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a tensor's likeness on a card of some capability, with xformers installed."""

    def make(dtype: torch.dtype, channels: int = 32, capability: tuple[int, int] = (8, 0)) -> Any:
        monkeypatch.setattr(attention_module, "_xformers_ops", lambda: torch)
        monkeypatch.setattr(attention_module, "_newest_card", lambda: (9, 0))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        return SimpleNamespace(is_cuda=True, device="cuda:0", dtype=dtype, shape=(2, 5, channels))

    return make


HALF, SINGLE, DOUBLE, BRAIN = torch.float16, torch.float32, torch.float64, torch.bfloat16


@pytest.mark.parametrize(
    ("dtype", "channels", "capability", "lacking"),
    [
        (HALF, 32, (7, 0), None),
        (SINGLE, 32, (8, 0), None),
        (BRAIN, 64, (9, 0), None),
        (DOUBLE, 32, (8, 0), "no operator for float64"),
        (HALF, 20, (8, 0), "multiple of 8 channels a head, not 20"),
        (BRAIN, 32, (7, 5), "no operator for bfloat16 on this card"),
        (HALF, 32, (10, 0), "no operator for compute capability 10.0"),
    ],
)
def test_xformers_gets_only_what_it_takes(
    card: Any, dtype: Any, channels: int, capability: Any, lacking: str | None
) -> None:
    probe = card(dtype, channels, capability)
    assert attention_operator("sdpa", probe) == "sdpa"
    if lacking is None:
        assert attention_operator("auto", probe) == attention_operator("xformers", probe)
        assert attention_operator("auto", probe) == "xformers"
    else:
        assert attention_operator("auto", probe) == "sdpa"
        with pytest.raises(BadInput, match=lacking):
            attention_operator("xformers", probe)


def test_triton_samples_on_cuda_in_up_to_single_precision(card: Any) -> None:
    pytest.importorskip("triton")
    assert deformable_operator("auto", card(HALF)) == "triton"
    assert deformable_operator("pytorch", card(HALF)) == "pytorch"
    assert deformable_operator("auto", card(DOUBLE)) == "pytorch"
    with pytest.raises(BadInput, match="triton has no operator for float64; use auto or pytorch"):
        deformable_operator("triton", card(DOUBLE))
    assert deformable_operator("auto", torch.empty(1)) == "pytorch"
    with pytest.raises(BadInput, match="triton has no CPU operator"):
        deformable_operator("triton", torch.empty(1))
    with pytest.raises(BadInput, match="'cuda' is not one of auto, triton, pytorch"):
        deformable_operator("cuda", torch.empty(1))


def test_deterministic_algorithms_exclude_what_adds_in_any_order(card: Any) -> None:
    pytest.importorskip("triton")
    probe = card(HALF)
    torch.use_deterministic_algorithms(True)
    try:
        assert attention_operator("auto", probe) == "sdpa"
        assert deformable_operator("auto", probe) == "pytorch"
        with pytest.raises(BadInput, match=r"which resources\.deterministic excludes"):
            attention_operator("xformers", probe)
        with pytest.raises(BadInput, match=r"which resources\.deterministic excludes"):
            deformable_operator("triton", probe)
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_cpus_operators_in_words() -> None:
    words = "attention by PyTorch's scaled dot product"
    assert described(Operators(), torch.empty(0, 32), deformable=False) == words
    words += ", deformable attention by PyTorch's embedding_bag"
    assert described(Operators(), torch.empty(0, 32), deformable=True) == words
    with pytest.raises(BadInput, match="xformers has no CPU operator"):
        described(Operators(attention="xformers"), torch.empty(0, 32), deformable=True)
