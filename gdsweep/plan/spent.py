"""What a run has cost: hours of its attempts times their processors, and energy where recorded."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gdsweep.runs import Attempt


@dataclass(frozen=True)
class Spent:
    """Processor time of some attempts."""

    gpu_hours: float = 0.0
    """Hours times GPUs, of attempts on GPUs."""
    cpu_hours: float = 0.0
    """Hours times processes times threads, of attempts without a GPU."""
    kwh: float | None = None
    """Energy of the attempts that recorded it (`energy_kwh`); None where none did."""
    about: bool = False
    """Whether an attempt did not live to write when it ended: it counts with its training steps."""

    def __add__(self, other: "Spent") -> "Spent":
        both = [value for value in (self.kwh, other.kwh) if value is not None]
        return Spent(
            self.gpu_hours + other.gpu_hours,
            self.cpu_hours + other.cpu_hours,
            sum(both) if both else None,
            self.about or other.about,
        )

    def __str__(self) -> str:
        """`about 12.5 GPU-hours and 0.1 CPU-hours, 0.8 kWh`."""
        parts = [(self.gpu_hours, "GPU-hours"), (self.cpu_hours, "CPU-hours")]
        hours = " and ".join(f"{_amount(value)} {unit}" for value, unit in parts if value)
        energy = "" if self.kwh is None else f", {_amount(self.kwh)} kWh"
        return f"{'about ' if self.about else ''}{hours or 'nothing'}{energy}"


def spent(attempts: Iterable[Attempt], metrics: list[dict[str, Any]]) -> Spent:
    """What all attempts of one run took; `metrics` are its merged lines."""
    total = Spent()
    for attempt in attempts:
        hours, about = duration(attempt, metrics)
        process = attempt.process
        count = _number(process.get("processes")) or 1.0
        energy = process.get("energy_kwh")
        kwh = float(energy) if isinstance(energy, (int, float)) else None
        if process.get("device", "cpu") == "cpu":
            threads = _number(process.get("threads")) or 1.0
            total += Spent(cpu_hours=hours * count * threads, kwh=kwh, about=about)
        else:
            total += Spent(gpu_hours=hours * count, kwh=kwh, about=about)
    return total


def duration(attempt: Attempt, metrics: list[dict[str, Any]]) -> tuple[float, bool]:
    """Hours an attempt took, and whether that is an estimate.

    One that was killed, or still runs, has no end: it counts with the iterations whose state it
    saved times the run's median seconds per iteration.
    """
    if attempt.ended is not None:
        return max(attempt.ended - attempt.started, 0.0) / 3600, False
    times = [t for line in metrics if (t := _number(line.get("time")))]
    reached = attempt.last_iteration or attempt.first_iteration
    seconds = statistics.median(times) if times else 0.0
    return (reached - attempt.first_iteration) * seconds / 3600, True


def clock(hours: float) -> str:
    """`12 s`, `3.4 min` or `7.2 h`."""
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.1f} min" if hours < 1 else f"{hours:,.1f} h"


def _amount(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
