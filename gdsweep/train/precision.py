"""Mixed precision: autocast, and loss scaling for fp16."""

import contextlib
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gdsweep.errors import BadInput

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Autocast type of the student's forward passes, and the gradient scaler fp16 needs."""

    def __init__(self, name: Literal["fp32", "bf16", "fp16"], device: torch.device) -> None:
        self._refused = name == "fp16" and device.type != "cuda"
        self._type = _TYPES.get(name)
        scaled = name == "fp16" and not self._refused
        self._scaler = torch.amp.GradScaler("cuda") if scaled else None

    def check(self) -> None:
        """Raise BadInput where the device cannot train so; scoring is in float32 anywhere."""
        if self._refused:
            raise BadInput(
                "optimizer.precision: fp16 needs a CUDA device; on the CPU choose fp32 or bf16"
            )

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Context of a forward pass."""
        if self._type is None:
            return contextlib.nullcontext()
        return torch.autocast(device.type, self._type)

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
