"""Instances of one image: what a network is trained to find."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """Labels and masks of the instances of one image."""

    labels: Tensor
    """Contiguous class labels, int64 [n], each in 0 .. C - 1."""
    masks: Tensor
    """Boolean masks [n, H, W]."""

    def __len__(self) -> int:
        return len(self.labels)
