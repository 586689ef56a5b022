"""Signs of life: whoever waits for a run can tell one that works from one that hangs."""

import time
from collections.abc import Callable
from pathlib import Path

from gdsweep.runs import lock

PERIOD = 5.0
"""Seconds between two signs; every step would be many small writes on a shared disk."""


class Pulse:
    """`should_stop`, which gives a sign of life whenever it is asked."""

    def __init__(self, held: Path, should_stop: Callable[[], bool]) -> None:
        """`held` is the run's lock file, whose time of change is the sign."""
        self._held, self._should_stop = held, should_stop
        self._last = -PERIOD

    def __call__(self) -> bool:
        """Whether a signal asks to stop."""
        now = time.monotonic()
        if now - self._last >= PERIOD:
            lock.give_sign(self._held)
            self._last = now
        return self._should_stop()
