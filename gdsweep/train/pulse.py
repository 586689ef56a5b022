"""Signs of life: whoever waits for a run can tell one that works from one that hangs or scores."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from torch import Tensor

from gdsweep.config.format_base import Split
from gdsweep.data import DatasetSplits, ImageDataset
from gdsweep.runs import RunDir, lock
from gdsweep.runs.activity import Scoring, end_scoring, tell_scoring

PERIOD = 5.0
"""Seconds between two signs; every step would be many small writes on a shared disk."""


class Pulse:
    """`should_stop`, which gives a sign of life whenever it is asked."""

    def __init__(self, run: RunDir, should_stop: Callable[[], bool], tells: bool = True) -> None:
        """The sign is the time of change of the lock file of `run`; `tells` says who gives it."""
        self._run, self._should_stop, self._tells = run, should_stop, tells
        self._last = -PERIOD
        self._scoring: Scoring | None = None
        if tells:
            end_scoring(run)  # what a killed process left

    def __call__(self) -> bool:
        """Whether a signal asks to stop."""
        now = time.monotonic()
        if self._tells and now - self._last >= PERIOD:
            lock.give_sign(self._run.lock)
            if self._scoring is not None:
                tell_scoring(self._run, self._scoring)
            self._last = now
        return self._should_stop()

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """While networks are scored on `watched` images, it is told how many they have seen."""
        self._last = -PERIOD  # the first batch tells that it has begun
        try:
            yield
        finally:
            self._scoring = None
            if self._tells:
                end_scoring(self._run)

    def watched(self, splits: DatasetSplits, world: int) -> DatasetSplits:
        """The image sets with those counted that scores are of; `world` processes share them."""
        val = _watched(splits.val, lambda: self._saw("val", len(splits.val), world))
        if splits.test is splits.val:
            return replace(splits, val=val, test=val)
        test = _watched(splits.test, lambda: self._saw("test", len(splits.test), world))
        return replace(splits, val=val, test=test)

    def _saw(self, images: Split, count: int, world: int) -> None:
        before, of = self._scoring, -(-count // world)
        if before is None or before.images != images or before.done >= before.of:
            before = Scoring(images=images, done=0, of=of)  # the next network begins anew
        self._scoring = before.model_copy(update={"done": before.done + 1})


class _Watched:
    """A data set that tells whenever an image of it is read."""

    def __init__(self, dataset: ImageDataset, read: Callable[[], None]) -> None:
        self._dataset, self._read = dataset, read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def __len__(self) -> int:
        return len(self._dataset)

    def image(self, index: int) -> Tensor:
        self._read()
        return self._dataset.image(index)


def _watched(dataset: ImageDataset, read: Callable[[], None]) -> ImageDataset:
    return cast(ImageDataset, _Watched(dataset, read))
