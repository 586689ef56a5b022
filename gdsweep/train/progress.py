"""Averages between two log lines, seconds per step and time left."""

import time


class Progress:
    """Collects the terms of each step until they are written.

    `time` and `data_time` are wall seconds a step, of which `data_time` waiting for the loader.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._since = self._mark = time.perf_counter()
        self._waited = 0.0
        self._steps = 0

    def waits(self) -> None:
        """The step begins to wait for its batch."""
        self._mark = time.perf_counter()

    def works(self) -> None:
        """The batch is here."""
        self._waited += time.perf_counter() - self._mark

    def add(self, terms: dict[str, float]) -> None:
        """One step is done, and these are its terms; without any, none is."""
        self._steps += bool(terms)
        for key, value in terms.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
            self._counts[key] = self._counts.get(key, 0) + 1

    def flush(self, iteration: int) -> dict[str, float]:
        """Means since the last flush, with `time`, `data_time` and `eta_seconds`."""
        now = time.perf_counter()
        seconds = (now - self._since) / self._steps
        values = {key: total / self._counts[key] for key, total in self._sums.items()}
        values |= {
            "time": seconds,
            "data_time": self._waited / self._steps,
            "eta_seconds": seconds * (self._target - iteration),
        }
        self._sums, self._counts = {}, {}
        self._since, self._waited, self._steps = now, 0.0, 0
        return values

    def line(self, iteration: int, values: dict[str, float]) -> str:
        """What the log says of these values."""
        terms = "  ".join(
            f"{key} {values[key]:.4g}"
            for key in ("total_loss", "loss_ce", "loss_mask", "loss_dice", "pseudo/per_image")
            if key in values
        )
        minutes, seconds = divmod(round(values["eta_seconds"]), 60)
        return (
            f"iteration {iteration} of {self._target}  {terms}  lr {values['lr']:.3g}  "
            f"{values['time']:.3f} s/it  left {minutes} min {seconds} s"
        )
