"""How a CUDA device computes: TF32, deterministic algorithms, cuDNN's choice."""

import os

import torch

from gdsweep.config import CellSettings


def set_up(device: torch.device, settings: CellSettings) -> None:
    """Set PyTorch's switches for a run on `device`, before its first kernel; nothing on a CPU.

    Under `resources.deterministic` an operation that has no deterministic form is computed all the
    same, and PyTorch's warning names it.
    """
    if device.type != "cuda":
        return
    resources, tf32 = settings.resources, settings.optimizer.tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32 == "all"
    torch.backends.cudnn.allow_tf32 = tf32 != "none"
    torch.backends.cudnn.benchmark = resources.cudnn_benchmark and not resources.deterministic
    if resources.deterministic:
        # cuBLAS reads it when its first handle is made
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(resources.deterministic, warn_only=True)
