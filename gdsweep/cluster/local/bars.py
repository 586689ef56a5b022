"""A launch on a terminal: a bar for the whole sweep, and one for each run that goes on."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

BAR, WIDEST_BAR = 8, 30
"""Columns of the bars, at least and at most."""

COLUMNS = ("says", "left", "ap", "loss", "seconds")
"""What stands behind a bar; a narrow terminal does without the last of them."""


NEEDED = ("says", "left")
"""What no terminal is too narrow for."""


@dataclass(frozen=True)
class Bar:
    """What one line shows."""

    name: str
    """The run's."""
    done: float
    """How much of the bar is full."""
    of: float
    """What a full bar is."""
    says: str
    """The same in words: `400 of 1,000`, `scoring 120 of 500`."""
    left: str = ""
    """Time that is left: `7m 30s left`."""
    ap: str = ""
    """`AP 10.0 (teacher 12.0)`."""
    loss: str = ""
    """`loss 3.250`."""
    seconds: str = ""
    """Seconds of one iteration: `0.50 s/it`."""


class Bars(Progress):
    """Rich's live display of tasks, with as many columns as fit: a number is whole or not there."""

    def __init__(self, console: Console) -> None:
        self._tasks_of: dict[str, TaskID] = {}
        self._bars: Sequence[Bar] = ()
        self._counts = ""
        super().__init__(console=console, auto_refresh=False, transient=True)

    def show(self, counts: str, bars: Sequence[Bar]) -> None:
        """Draw `counts`, a line of text, and a line for each of `bars`, the sweep's first."""
        room = max(1, self.console.height - 3)  # a live display must not be higher than the screen
        more = f" · {len(bars) - room} more" if len(bars) > room else ""
        drawn = bars[:room]
        for bar in drawn:
            fields = {key: getattr(bar, key) for key in COLUMNS} | {"shown": bar.name}
            if bar.name not in self._tasks_of:
                # it is drawn at once, and has to be whole
                self._tasks_of[bar.name] = self.add_task("", **fields)
            task = self._tasks_of[bar.name]
            self.update(task, completed=bar.done, total=bar.of or 1, **fields)
        self._counts, self._bars = f"{counts}{more}", drawn
        for name in self._tasks_of.keys() - {bar.name for bar in drawn}:
            self.remove_task(self._tasks_of.pop(name))
        self.refresh()

    def get_renderables(self) -> Iterable[RenderableType]:
        """The line of counts, and the bars in the columns that fit."""
        yield Text(self._counts, style="bold", no_wrap=True, overflow="ellipsis")
        if self._bars:
            self.columns = self._fitting(self.console.width)
            yield self.make_tasks_table(self.tasks)

    def _fitting(self, width: int) -> tuple[ProgressColumn, ...]:
        """Columns whose entries are whole; a name gives way where nothing else can."""
        names = max(cell_len(bar.name) for bar in self._bars)
        shown = [key for key in COLUMNS if any(getattr(bar, key) for bar in self._bars)]
        widths = {key: max(cell_len(getattr(bar, key)) for bar in self._bars) for key in shown}
        while shown[-1] not in NEEDED and names + BAR + 1 + _behind(widths) > width:
            widths.pop(shown.pop())
        room = width - BAR - 1 - _behind(widths)
        for bar in self._bars:
            self.update(self._tasks_of[bar.name], shown=shortened(bar.name, room))
        names = max(min(names, room), 1)
        texts = [("shown", names, "left"), *((key, widths[key], "right") for key in shown)]
        name, *others = (
            TextColumn(
                f"{{task.fields[{key}]}}",
                markup=False,
                justify="left" if side == "left" else "right",
                table_column=Column(width=columns, no_wrap=True),
            )
            for key, columns, side in texts
        )
        bar_width = max(min(WIDEST_BAR, BAR + room - names), 1)
        return (name, BarColumn(bar_width=bar_width), *others)


def shortened(name: str, room: int) -> str:
    """A run's name in `room` columns: without its hash if that is enough, else its two ends."""
    if len(name) <= room:
        return name
    brief = re.sub(r"-[0-9a-f]{8}$", "", name)
    if len(brief) <= room:
        return brief
    tail = max((room - 1) // 2, 0)
    return f"{brief[: max(room - 1 - tail, 0)]}…{brief[len(brief) - tail :]}"


def _behind(widths: Mapping[str, int]) -> int:
    return sum(width + 1 for width in widths.values())
