"""Lines on a screen or in a file, broken between words where they would not fit."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

INDENT = 4
"""Columns by which what follows the first line stands in."""


class Words:
    """Text that a terminal breaks between words alone: a run's name is never torn."""

    def __init__(self, text: Text | str, style: str = "") -> None:
        self._text = Text(text, style) if isinstance(text, str) else text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in broken(self._text, options.max_width):
            line.no_wrap, line.overflow = True, "ignore"
            yield line


def say(console: Console, line: Text | str, style: str = "") -> None:
    """Print one line as `Words`; in a file or a pipe it stays whole, whatever its length."""
    if console.is_terminal:
        console.print(Words(line, style))
    else:
        console.print(Text(line, style) if isinstance(line, str) else line, soft_wrap=True)


def broken(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most `width` columns; a path that is wider is broken behind its slashes."""
    for place, part in enumerate(text.divide(_breaks(text.plain, width))):
        part.rstrip()
        yield Text(" " * INDENT if place else "") + part


def _breaks(text: str, width: int) -> list[int]:
    """Where lines after the first begin."""
    begins = 0
    breaks: list[int] = []
    for start, end in _unbroken(text, max(width - INDENT, 1)):
        room = width - INDENT if breaks else width
        if cell_len(text[begins:end]) > room and text[begins:start].strip():
            begins = start
            breaks.append(begins)
    return breaks


def _unbroken(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Parts of a text that stay whole: words; of wider ones folders; of wider ones what fits."""
    for word in re.finditer(r"\S+", text):
        if cell_len(word[0]) <= room:
            yield word.span()
            continue
        for part in re.finditer(r"/?[^/]+/?|/", word[0]):
            first, last = word.start() + part.start(), word.start() + part.end()
            for place in range(first, last, room):
                yield place, min(place + room, last)
