"""Records of attempts: causes told apart, and nothing that is secret."""

import pytest
import torch

from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.train import attempt


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TrainingFailed("x", "nan"), "nan"),
        (BadInput("x"), "input"),
        (torch.OutOfMemoryError("x"), "memory"),
        (RuntimeError("NCCL error in: ProcessGroupNCCL.cpp"), "nccl"),
        (RuntimeError("[../third_party/gloo/pair.cc] Connection closed by peer"), "nccl"),
        (RuntimeError("CUDA error: device-side assert triggered"), "cuda"),
        (RuntimeError("shapes do not match"), "error"),
        (OSError(28, "No space left on device"), "disk"),
    ],
)
def test_causes_are_told_apart(error: Exception, cause: str) -> None:
    assert attempt.cause_of(error) == cause


def test_secrets_are_never_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NCCL_AUTH", "TORCH_TOKEN", "CUDA_API_KEY", "WANDB_API_KEY", "OMP_SECRET"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("NCCL_DEBUG", "INFO")
    text = attempt._environment()
    assert "NCCL_DEBUG=INFO" in text
    assert "hush" not in text
