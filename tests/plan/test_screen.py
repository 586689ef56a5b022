"""Lines on a terminal and in a file."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from gdsweep.plan.screen import say

LONG = (
    "  coco-5pct-resnet50-guided-s0-0123abcd  new, iterations 0 to 15,000, after coco-5pct-x@15000"
)


def printed(line: Text | str, width: int, terminal: bool) -> list[str]:
    output = io.StringIO()
    say(Console(file=output, width=width, force_terminal=terminal, color_system=None), line)
    return output.getvalue().splitlines()


@pytest.mark.parametrize("width", [45, 60, 80, 160])
def test_a_terminal_breaks_between_words(width: int) -> None:
    lines = printed(LONG, width, terminal=True)
    assert " ".join(" ".join(lines).split()) == " ".join(LONG.split())
    assert max(map(len, lines)) <= width
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_name_that_is_wider_than_the_terminal_has_a_line_of_its_own() -> None:
    name = "coco-5pct-resnet50-guided-s0-0123abcd"
    assert printed(f"see {name} now", 20, terminal=True) == ["see", f"    {name}", "    now"]


def test_a_file_keeps_the_line_whole() -> None:
    assert printed(LONG, 40, terminal=False) == [LONG]
    assert printed(Text(LONG, "red"), 40, terminal=False) == [LONG]
