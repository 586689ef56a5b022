"""Instances of one image: what a network is trained to find."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Targets(Protocol):
    """Labels and masks of the instances of one image, whatever form the masks are in."""

    @property
    def labels(self) -> Tensor:
        """Contiguous class labels, int64 [n], each in 0 .. C - 1."""

    @property
    def masks(self) -> Tensor:
        """Boolean masks [n, H, W]."""

    def __len__(self) -> int: ...

    def cut(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The masks at some rows and columns of the image, in their order: bool [n, r, c]."""

    def reach(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Which masks have a pixel at some rows and columns of the image: bool [n]."""


@dataclass(frozen=True)
class Instances:
    """Labels and masks of the instances of one image."""

    labels: Tensor
    """Contiguous class labels, int64 [n], each in 0 .. C - 1."""
    masks: Tensor
    """Boolean masks [n, H, W]."""

    def __len__(self) -> int:
        return len(self.labels)

    def cut(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The masks at some rows and columns of the image, in their order: bool [n, r, c]."""
        # whole columns, then whole rows: several times as fast as picking single pixels
        return self.masks.mT.index_select(1, columns).mT.index_select(1, rows)

    def reach(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Which masks have a pixel at some rows and columns of the image: bool [n]."""
        return self.cut(rows, columns).flatten(1).any(1)


class MapInstances:
    """Instances that share one map of numbers: whoever holds a pixel stands in it.

    A view cuts the map, which costs as much for a hundred instances as for one, and compares what
    is left of it.
    """

    def __init__(self, labels: Tensor, numbers: Tensor, held: Tensor) -> None:
        """The instances called `numbers`, int32 [n], of the map `held`, int32 [H, W]."""
        self.labels = labels
        self._numbers, self._held = numbers, held

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def masks(self) -> Tensor:
        """Boolean masks [n, H, W]."""
        return self._held == self._numbers[:, None, None]

    def cut(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The masks at some rows and columns of the image, in their order: bool [n, r, c]."""
        part = self._held.index_select(0, rows).index_select(1, columns)
        return part == self._numbers[:, None, None]

    def reach(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Which masks have a pixel at some rows and columns of the image: bool [n]."""
        part = self._held.index_select(0, rows).index_select(1, columns)
        return torch.isin(self._numbers, part)
