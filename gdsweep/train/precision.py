"""Mixed precision: autocast, and loss scaling for fp16."""

import contextlib
import logging
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gdsweep.errors import BadInput

log = logging.getLogger(__name__)

Name = Literal["fp32", "bf16", "fp16"]
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Autocast types of the student's and the teacher's forward passes, and fp16's loss scaling."""

    def __init__(self, name: Name, device: torch.device, teacher: Name = "fp32") -> None:
        self._names = {"optimizer.precision": name, "distillation.teacher_precision": teacher}
        self._cuda = device.type == "cuda"
        self._type, self._teacher = _TYPES.get(name), _TYPES.get(teacher)
        scaled = name == "fp16" and self._cuda
        self._scaler = torch.amp.GradScaler("cuda") if scaled else None

    def check(self) -> None:
        """Raise BadInput where the device cannot train so; scoring is in float32 anywhere.

        What it can do, but only slowly, is logged.
        """
        if self._cuda:
            return
        for setting, name in self._names.items():
            if name == "fp16":
                raise BadInput(
                    f"{setting}: fp16 needs a CUDA device; on the CPU choose fp32 or bf16"
                )
            if name == "bf16" and not cpu_has_bfloat16():
                # measured with oneDNN held to it: linear layers 10, convolutions 290 times on AVX2
                log.warning(
                    "%s: this CPU has no bfloat16 instructions, so that bf16 is 4 to 300 times "
                    "slower on it than fp32",
                    setting,
                )

    @property
    def type(self) -> torch.dtype:
        """What the student's forward pass multiplies in."""
        return self._type or torch.float32

    @property
    def teacher_is_exact(self) -> bool:
        """Whether the teacher is computed in float32."""
        return self._teacher is None

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Context of the student's forward pass."""
        return _autocast(device, self._type)

    def teacher_autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Context of the teacher's forward pass."""
        return _autocast(device, self._teacher)

    def scale(self, loss: Tensor) -> Tensor:
        """The loss to differentiate."""
        return loss if self._scaler is None else self._scaler.scale(loss)

    def step(
        self, optimizer: torch.optim.Optimizer, model: nn.Module, clip_norm: float | None
    ) -> None:
        """Clip the whole gradient to `clip_norm` (L2), if any, and step; fp16 overflows skip it."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()

    def state(self) -> dict[str, Any] | None:
        """The scaler's state, for a checkpoint."""
        return None if self._scaler is None else self._scaler.state_dict()

    def restore(self, state: dict[str, Any] | None) -> None:
        """Put the scaler where `state` found it."""
        if self._scaler is not None and state is not None:
            self._scaler.load_state_dict(state)


def cpu_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 (AVX512-BF16, AMX, Arm's BF16); so taken where the
    system does not tell."""
    try:
        flags = cpuinfo.read_text()
    except OSError:
        return True
    return re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", flags) is not None


def _autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype)
