"""From Python to a device without waiting for what the device still computes."""

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """A CPU tensor on `device`: from pinned memory, so that nobody waits; itself on the CPU."""
    if device.type == "cpu":
        return values
    return values.pin_memory().to(device, non_blocking=True)
