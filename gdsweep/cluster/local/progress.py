"""What a launch shows while it runs: a live table on a terminal, plain lines elsewhere."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gdsweep.plan.cost import TAIL, parse_lines
from gdsweep.plan.hours import duration
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.runs import Score, Store
from gdsweep.runs.records import read_record

PERIOD = 30.0
"""Seconds between two plain lines about one run."""


@dataclass
class Reading:
    """The newest numbers of a run's metrics.json; None where nothing was logged yet."""

    iteration: int | None = None
    loss: float | None = None
    seconds: float | None = None
    """Seconds of one iteration."""
    ap: float | None = None
    """AP of the student on the validation images, in percent."""
    teacher_ap: float | None = None
    """AP of the averaged copy, in percent."""


class Follower:
    """Reads what was added to a metrics.json since the last look, never the whole file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset: int | None = None
        self.reading = Reading()

    def look(self) -> Reading:
        """The newest numbers."""
        try:
            with open(self._path, "rb") as file:
                if self._offset is None:
                    self._offset = max(0, file.seek(0, os.SEEK_END) - TAIL)
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return self.reading
        whole = new[: new.rfind(b"\n") + 1]  # the last line may be half written
        self._offset += len(whole)
        for line in parse_lines(whole):
            self._take(line)
        return self.reading

    def _take(self, line: dict[str, object]) -> None:
        keys = {
            "iteration": "iteration",
            "total_loss": "loss",
            "time": "seconds",
            "segm/AP": "ap",
            "teacher/segm/AP": "teacher_ap",
        }
        for key, name in keys.items():
            if isinstance(line.get(key), (int, float)):
                setattr(self.reading, name, line[key])


class Progress:
    """Tells how the runs of a plan advance."""

    def __init__(self, plan: Plan, store: Store, console: Console) -> None:
        self._store, self._console = store, console
        self._total = len(plan.runs)
        self._done = plan.counts["done"]
        self._failed = plan.counts["failed"]
        self._started = time.monotonic()
        self._followers: dict[str, Follower] = {}
        self._printed: dict[str, float] = {}
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal and not console.is_dumb_terminal
            else None
        )
        self._mute = False

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            with contextlib.suppress(OSError):
                self._live.stop()

    def started(self, run: PlannedRun) -> None:
        """A run was started here."""
        self._printed[run.name] = time.monotonic()
        where = f" from iteration {run.reached:,}" if run.reached else ""
        what = f"{where}, to {run.stop:,}" if run.trains else ", to score its weights"
        self.say(f"{run.name}: started{what}")

    def finished(self, run: PlannedRun) -> None:
        """A run was delivered, here or by another launch."""
        self._done += 1
        scores = _scores(self._follow(run.name).look() if run.trains else self._scored(run), ", ")
        self.say(f"{run.name}: done{scores}  ({self._done} of {self._total} runs)")

    def failed(self, run: PlannedRun, why: str) -> None:
        """A run failed; `why` names the line of its log."""
        self._failed += 1
        self.say(f"{run.name}: failed, see {why}", bad=True)

    def say(self, line: str, bad: bool = False) -> None:
        """One line that stays."""
        if self._mute:
            return
        try:
            self._console.print(Text(line, style="red" if bad else ""), soft_wrap=True)
        except OSError:
            self._mute = True  # the terminal is gone: the runs are not to suffer for it

    def update(self, active: Sequence[PlannedRun], waiting: int) -> None:
        """Show the running runs, and how many wait."""
        if self._live and not self._mute:
            try:
                self._live.update(self._table(active, waiting), refresh=True)
            except OSError:
                self._mute = True
        elif not self._live:
            for run in active:
                self._line(run)

    def _line(self, run: PlannedRun) -> None:
        now = time.monotonic()
        if now - self._printed.setdefault(run.name, now) < PERIOD:
            return
        self._printed[run.name] = now
        reading = self._follow(run.name).look()
        if reading.iteration is None:
            return
        parts = [f"{run.name}: {_of(reading, run)}"]
        if reading.loss is not None:
            parts.append(f"loss {reading.loss:.3f}")
        if reading.seconds is not None:
            parts.append(f"{reading.seconds:.2f} s/it")
            parts.append(f"{_eta(reading, run)} left")
        self.say(", ".join(parts) + _scores(reading, ", "))

    def _table(self, active: Sequence[PlannedRun], waiting: int) -> Group:
        counts = [f"{self._done} of {self._total} runs done", f"{len(active)} running"]
        counts += [f"{waiting} waiting"] if waiting else []
        counts += [f"{self._failed} failed"] if self._failed else []
        counts.append(f"{duration(time.monotonic() - self._started)} elapsed")
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("run", overflow="ellipsis", no_wrap=True)
        for name in ("iteration", "loss", "s/it", "left", "AP"):
            table.add_column(name, justify="right", no_wrap=True)
        for run in active:
            reading = self._follow(run.name).look()
            table.add_row(
                run.name,
                _of(reading, run),
                "" if reading.loss is None else f"{reading.loss:.3f}",
                "" if reading.seconds is None else f"{reading.seconds:.2f}",
                _eta(reading, run),
                _scores(reading, "").removeprefix("AP "),
            )
        return Group(Text(" · ".join(counts), style="bold"), *([table] if active else []))

    def _scored(self, run: PlannedRun) -> Reading:
        """What was measured of a run that trains nothing, hence has no metrics."""
        path = self._store.run(run.name).score(run.wanted.scores[0])
        return Reading(ap=read_record(path, Score).metrics.get("AP"))

    def _follow(self, name: str) -> Follower:
        if name not in self._followers:
            self._followers[name] = Follower(self._store.run(name).metrics)
        return self._followers[name]


def _of(reading: Reading, run: PlannedRun) -> str:
    return f"{reading.iteration or run.reached:,} of {run.stop:,}" if run.trains else "scoring"


def _eta(reading: Reading, run: PlannedRun) -> str:
    if reading.seconds is None or reading.iteration is None:
        return ""
    return duration(max(0, run.stop - reading.iteration) * reading.seconds)


def _scores(reading: Reading, before: str) -> str:
    text = "" if reading.ap is None else f"{before}AP {reading.ap:.1f}"
    return text if reading.teacher_ap is None else f"{text} (teacher {reading.teacher_ap:.1f})"
