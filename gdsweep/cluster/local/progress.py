"""What a launch shows while it runs: bars on a terminal, plain lines elsewhere."""

import contextlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from rich.console import Console
from rich.text import Text

from gdsweep.cluster.local.bars import Bar, Bars
from gdsweep.cluster.local.readings import Follower, Reading
from gdsweep.plan.hours import duration
from gdsweep.plan.outlook import least_seconds
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.screen import say
from gdsweep.runs import Score, Store
from gdsweep.runs.activity import Scoring, read_scoring
from gdsweep.runs.records import read_record

PERIOD = 30.0
"""Seconds between two plain lines about one run."""


class Progress:
    """Tells how the runs of a plan advance."""

    def __init__(self, plan: Plan, store: Store, console: Console) -> None:
        self._plan, self._store, self._console = plan, store, console
        self._finished = {run.name for run in plan.runs.values() if run.status == "done"}
        self._failed = plan.counts["failed"]
        self._started = time.monotonic()
        self._followers: dict[str, Follower] = {}
        self._printed: dict[str, float] = {}
        terminal = console.is_terminal and not console.is_dumb_terminal
        self.bars = Bars(console) if terminal else None
        self._mute = False

    def __enter__(self) -> "Progress":
        if self.bars:
            self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bars:
            with contextlib.suppress(OSError):
                self.bars.stop()

    def started(self, run: PlannedRun) -> None:
        """A run was started here."""
        self._printed[run.name] = time.monotonic()
        where = f" from iteration {run.reached:,}" if run.reached else ""
        what = f"{where}, to {run.stop:,}" if run.trains else ", to score its weights"
        self.say(f"{run.name}: started{what}")

    def finished(self, run: PlannedRun) -> None:
        """A run was delivered, here or by another launch."""
        self._finished.add(run.name)
        reading = self._follow(run.name).look() if run.trains else self._scored(run)
        counted = f"{len(self._finished)} of {len(self._plan.runs)} runs"
        self.say(f"{run.name}: done{_scores(reading, ', ')}  ({counted})")

    def failed(self, run: PlannedRun, why: str) -> None:
        """A run failed; `why` names the line of its log."""
        self._failed += 1
        self.say(f"{run.name}: failed, see {why}", bad=True)

    def say(self, line: str, bad: bool = False) -> None:
        """One line that stays."""
        if self._mute:
            return
        try:
            say(self._console, Text(line, style="red" if bad else ""))
        except OSError:
            self._mute = True  # the terminal is gone: the runs are not to suffer for it

    def update(self, active: Sequence[PlannedRun], waiting: int) -> None:
        """Show the running runs, and how many wait."""
        if self.bars and not self._mute:
            try:
                self.bars.show(self._counts(active, waiting), self._lines(active))
            except OSError:
                self._mute = True
        elif not self.bars:
            for run in active:
                self._line(run)

    def _line(self, run: PlannedRun) -> None:
        now = time.monotonic()
        if now - self._printed.setdefault(run.name, now) < PERIOD:
            return
        self._printed[run.name] = now
        reading, scoring = self._look(run)
        if scoring is not None:
            self.say(f"{run.name}: {scoring} {scoring.images} images{_scores(reading, ', ')}")
        elif reading.iteration is not None:
            parts = (_of(reading, run), _loss(reading), _seconds(reading), _left(reading, run))
            self.say(f"{run.name}: {', '.join(filter(None, parts))}{_scores(reading, ', ')}")

    def _counts(self, active: Sequence[PlannedRun], waiting: int) -> str:
        counts = [f"{len(self._finished)} of {len(self._plan.runs)} runs done"]
        counts.append(f"{len(active)} running")
        counts += [f"{waiting} waiting"] if waiting else []
        counts += [f"{self._failed} failed"] if self._failed else []
        counts.append(f"{duration(time.monotonic() - self._started)} elapsed")
        return " · ".join(counts)

    def _lines(self, active: Sequence[PlannedRun]) -> list[Bar]:
        looks = {run.name: self._look(run) for run in active}
        bars = []
        for run in active:
            reading, scoring = looks[run.name]
            reached = max(reading.iteration or 0, run.reached) - run.first
            done, of = (scoring.done, scoring.of) if scoring else (reached, run.stop - run.first)
            bars.append(
                Bar(
                    run.name,
                    done,
                    of,
                    str(scoring) if scoring else _of(reading, run),
                    "" if scoring else _left(reading, run),
                    _scores(reading, ""),
                    "" if scoring else _loss(reading),
                    "" if scoring else _seconds(reading),
                )
            )
        return [self._sweep({name: look[0] for name, look in looks.items()}), *bars]

    def _sweep(self, readings: dict[str, Reading]) -> Bar:
        """The whole sweep: iterations of all its runs, and the time in which they may be trained.

        A kind of run that nothing was measured of is taken to be as quick as the others.
        """
        plan = self._plan
        paces = [r.seconds for r in readings.values() if r.seconds is not None]
        paces += [run.seconds for run in plan.runs.values() if run.seconds is not None]
        pace = statistics.fmean(paces) if paces else None
        runs = {}
        for name, run in plan.runs.items():
            reading = readings.get(name, Reading())
            todo = 0 if name in self._finished else run.todo
            todo = min(todo, max(0, run.stop - max(reading.iteration or 0, run.reached)))
            runs[name] = replace(run, todo=todo, seconds=reading.seconds or run.seconds or pace)
        now = replace(plan, runs=runs)
        seconds = least_seconds(now, list(runs.values()), len(readings) or None)
        left = "" if seconds is None else f"{duration(seconds)} left"
        total = sum(run.stop - run.first for run in plan.runs.values())
        done = total - sum(run.todo for run in runs.values())
        return Bar("sweep", done, total, f"{done:,} of {total:,}", left)

    def _look(self, run: PlannedRun) -> tuple[Reading, Scoring | None]:
        return self._follow(run.name).look(), read_scoring(self._store.run(run.name))

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


def _loss(reading: Reading) -> str:
    return "" if reading.loss is None else f"loss {reading.loss:.3f}"


def _seconds(reading: Reading) -> str:
    return "" if reading.seconds is None else f"{reading.seconds:.2f} s/it"


def _left(reading: Reading, run: PlannedRun) -> str:
    if reading.seconds is None or reading.iteration is None or reading.iteration >= run.stop:
        return ""
    return f"{duration((run.stop - reading.iteration) * reading.seconds)} left"


def _scores(reading: Reading, before: str) -> str:
    text = "" if reading.ap is None else f"{before}AP {reading.ap:.1f}"
    return text if reading.teacher_ap is None else f"{text} (teacher {reading.teacher_ap:.1f})"
