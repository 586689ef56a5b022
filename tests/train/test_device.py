"""PyTorch's switches for CUDA, set without any."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from gdsweep.config import CellSettings, ShapesData
from gdsweep.train.device import set_up


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    """Everything as it was afterwards."""
    tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(False)


def settings(**changes: Any) -> CellSettings:
    return CellSettings.model_validate({"dataset": ShapesData(name="shapes"), **changes})


@pytest.mark.parametrize(
    ("tf32", "products", "convolutions"),
    [("convolutions", False, True), ("all", True, True), ("none", False, False)],
)
def test_where_tf32_is_used(tf32: str, products: bool, convolutions: bool) -> None:
    set_up(torch.device("cuda"), settings(optimizer={"tf32": tf32}))
    assert torch.backends.cuda.matmul.allow_tf32 is products
    assert torch.backends.cudnn.allow_tf32 is convolutions


def test_the_default_is_pytorchs() -> None:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    set_up(torch.device("cuda"), settings())
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
    assert not torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()


def test_deterministic_algorithms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    chosen = settings(resources={"deterministic": True, "cudnn_benchmark": True})
    set_up(torch.device("cpu"), chosen)
    assert not torch.are_deterministic_algorithms_enabled()
    set_up(torch.device("cuda"), chosen)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark  # the fastest may be another one next time
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
