"""What runs have taken: hours of their attempts times their processors, and recorded energy."""

import time
from dataclasses import dataclass
from typing import Any

from gdsweep.plan.cost import measured
from gdsweep.runs import Attempt, RunDir, attempts_of, lock


@dataclass(frozen=True)
class ProcessorHours:
    """Processor time of some attempts."""

    gpu_hours: float = 0.0
    """Hours times GPUs, of attempts on GPUs."""
    cpu_hours: float = 0.0
    """Hours times processes times threads, of attempts without a GPU."""
    kwh: float | None = None
    """Energy of the attempts that recorded it (`energy_kwh`); None where none did."""
    estimated: bool = False
    """Whether an attempt did not live to write when it ended: it counts with its training steps."""

    def __add__(self, other: "ProcessorHours") -> "ProcessorHours":
        both = [value for value in (self.kwh, other.kwh) if value is not None]
        return ProcessorHours(
            self.gpu_hours + other.gpu_hours,
            self.cpu_hours + other.cpu_hours,
            sum(both) if both else None,
            self.estimated or other.estimated,
        )

    def __str__(self) -> str:
        """`about 12.5 GPU-hours and 0.1 CPU-hours, 0.8 kWh`."""
        parts = [(self.gpu_hours, "GPU-hours"), (self.cpu_hours, "CPU-hours")]
        hours = " and ".join(f"{amount(value)} {unit}" for value, unit in parts if value)
        energy = "" if self.kwh is None else f", {amount(self.kwh)} kWh"
        return f"{'about ' if self.estimated else ''}{hours or 'nothing'}{energy}"

    @property
    def brief(self) -> str:
        """`3.2 GPU` or `0.1 CPU`, for a column of hours; empty for nothing."""
        parts = [(self.gpu_hours, "GPU"), (self.cpu_hours, "CPU")]
        return " + ".join(f"{amount(value)} {unit}" for value, unit in parts if value)


def run_hours(run: RunDir) -> ProcessorHours:
    """What all attempts at a run have taken so far. Raises BadInput for a damaged record."""
    return AttemptHours(run).total


class AttemptHours:
    """The attempts at one run, and what each has taken."""

    def __init__(self, run: RunDir) -> None:
        """Read the records of `run`. Raises BadInput for a damaged one."""
        self.attempts = attempts_of(run)
        ends = [attempt.ended for attempt in self.attempts]
        self._running = bool(ends) and ends[-1] is None and lock.is_held(run.lock)
        self._seconds = (measured(run.metrics) or 0.0) if None in ends else 0.0

    @property
    def total(self) -> ProcessorHours:
        """What all attempts have taken so far."""
        return sum(map(self.processor_hours, self.attempts), ProcessorHours())

    def wall(self, attempt: Attempt) -> tuple[float, bool]:
        """Hours from begin to end of one of `attempts`, and whether that is an estimate.

        An attempt that runs counts until now. One that was killed has no end: it counts with the
        iterations whose state it saved, times the run's seconds per iteration.
        """
        end = attempt.ended
        if end is None and self._running and attempt is self.attempts[-1]:
            end = time.time()
        if end is not None:
            return max(end - attempt.started, 0.0) / 3600, False
        reached = attempt.last_iteration or attempt.first_iteration
        return (reached - attempt.first_iteration) * self._seconds / 3600, True

    def processor_hours(self, attempt: Attempt) -> ProcessorHours:
        """Wall clock times GPUs, or times processes and threads where there is no GPU."""
        hours, estimated = self.wall(attempt)
        process = attempt.process
        processes = _number(process.get("processes")) or 1.0
        energy = process.get("energy_kwh")
        kwh = float(energy) if isinstance(energy, (int, float)) else None
        if process.get("device", "cpu") == "cpu":
            threads = _number(process.get("threads")) or 1.0
            return ProcessorHours(
                cpu_hours=hours * processes * threads, kwh=kwh, estimated=estimated
            )
        return ProcessorHours(gpu_hours=hours * processes, kwh=kwh, estimated=estimated)


def clock(hours: float) -> str:
    """`12 s`, `3.4 min` or `7.2 h`."""
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.1f} min" if hours < 1 else f"{hours:,.1f} h"


def amount(value: float) -> str:
    """Hours or kWh as people read them: `0.026`, `4.2`, `18.0`, `1,250`."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def duration(seconds: float) -> str:
    """`2d 03h`, `3h 20m`, `4m 10s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02d}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"
