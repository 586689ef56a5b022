"""The newest numbers of a run that trains, from what its process writes."""

import os
from dataclasses import dataclass
from pathlib import Path

from gdsweep.plan.cost import TAIL, parse_lines


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
