"""Endless, seeded orders of images in which any position can be looked up.

`index_at(position)` depends on the seed, the stream's name and the position alone, so a run resumes
by knowing its iteration, and no process needs to know what another one draws.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gdsweep.data.dataset import ImageDataset
from gdsweep.errors import BadInput


class Sampler(Protocol):
    """An endless order of images."""

    def index_at(self, position: int) -> int:
        """The image at a position, 0, 1, 2, ..."""


class UniformSampler:
    """Every image once an epoch, in a new random order each epoch."""

    def __init__(self, indices: Sequence[int], seed: int, stream: str) -> None:
        self.indices, self.seed, self.stream = _some(indices, stream), seed, stream

    def index_at(self, position: int) -> int:
        """The image at a position, 0, 1, 2, ..."""
        n = len(self.indices)
        epoch, place = divmod(position, n)
        return int(self.indices[_permutation(n, self.seed, self.stream, epoch)[place]])


class RepeatFactorSampler:
    """Image i comes `repeats[i]` times an epoch on average, in random order.

    An epoch has round(sum(repeats)) positions. Systematic sampling in a random order rounds each
    image's share of them up or down at random without changing its mean, and keeps all epochs the
    same length, so that a position can be looked up (detectron2 rounds each image by itself).
    """

    def __init__(
        self, indices: Sequence[int], repeats: Sequence[float], seed: int, stream: str
    ) -> None:
        self.indices = _some(indices, stream)
        self.repeats = torch.as_tensor(repeats, dtype=torch.float64)
        self.length = max(1, round(float(self.repeats.sum())))
        self.seed, self.stream = seed, stream
        self._epoch: tuple[int, Tensor] | None = None

    def index_at(self, position: int) -> int:
        """The image at a position, 0, 1, 2, ..."""
        epoch, place = divmod(position, self.length)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, self._draw(epoch))
        return int(self._epoch[1][place])

    def _draw(self, epoch: int) -> Tensor:
        order = _permutation(len(self.indices), self.seed, self.stream + ", rounding", epoch)
        edges = self.repeats[order].cumsum(0)
        generator = torch.Generator().manual_seed(derived_seed(self.seed, self.stream, epoch))
        offset = torch.rand((), generator=generator, dtype=torch.float64)
        ticks = (torch.arange(self.length) + offset) * (edges[-1] / self.length)
        drawn = order[torch.searchsorted(edges, ticks, right=True).clamp(max=len(order) - 1)]
        shuffled = _permutation(self.length, self.seed, self.stream, epoch)
        return self.indices[drawn[shuffled]]


def repeat_factors(dataset: ImageDataset, indices: Sequence[int], threshold: float) -> list[float]:
    """Repeat factor of each image (LVIS; method of the public code for the student).

    max over the image's classes c of max(1, sqrt(threshold / f_c)), f_c the share of the images in
    `indices` that hold class c; 1 for an image without instances.
    """
    held = [sorted(dataset.classes_of(index)) for index in indices]
    counts = np.bincount([c for labels in held for c in labels], minlength=len(dataset.classes))
    with np.errstate(divide="ignore"):  # a class no image holds is never looked up
        factors = np.maximum(1.0, np.sqrt(threshold * len(held) / counts))
    return [float(factors[labels].max()) if labels else 1.0 for labels in held]


def derived_seed(seed: int, *what: str | int) -> int:
    """A 63-bit seed for one use of randomness of a run; different uses are unrelated."""
    text = "/".join(str(part) for part in (seed, *what))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def _some(indices: Sequence[int], stream: str) -> Tensor:
    if not indices:
        raise BadInput(f"there is no {stream} image to draw from")
    return torch.as_tensor(indices)


@lru_cache(maxsize=8)
def _permutation(n: int, seed: int, stream: str, epoch: int) -> Tensor:
    generator = torch.Generator().manual_seed(derived_seed(seed, "order", stream, epoch))
    return torch.randperm(n, generator=generator)
