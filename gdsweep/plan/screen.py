"""Lines on a screen or in a file, broken between words where they would not fit."""

import re

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

INDENT = 4
"""Columns by which what follows the first line stands in."""


def say(console: Console, line: Text | str, style: str = "") -> None:
    """Print one line; in a file or a pipe it stays whole, whatever its length.

    On a terminal it is broken between words alone: a run's name is never torn.
    """
    text = Text(line, style) if isinstance(line, str) else line
    if not console.is_terminal:
        console.print(text, soft_wrap=True)
        return
    for place, part in enumerate(text.divide(_breaks(text.plain, console.width))):
        part.rstrip()
        console.print(Text(" " * INDENT if place else "") + part, soft_wrap=True)


def _breaks(text: str, width: int) -> list[int]:
    """Where lines after the first begin; a word that is wider than a line has one for itself."""
    begins = 0
    breaks: list[int] = []
    for word in re.finditer(r"\S+", text):
        room = width - INDENT if breaks else width
        if cell_len(text[begins : word.end()]) > room and text[begins : word.start()].strip():
            begins = word.start()
            breaks.append(begins)
    return breaks
