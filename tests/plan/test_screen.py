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


def test_a_path_that_is_wider_is_broken_behind_its_slashes_and_nothing_is_lost() -> None:
    name = "coco-5pct-resnet50-guided-s0-0123abcd"
    assert printed(f"see /scratch/you/runs/{name}/log.txt:7: no", 45, terminal=True) == [
        "see /scratch/you/runs/",
        f"    {name}/",
        "    log.txt:7: no",
    ]
    torn = printed(f"see {name}", 20, terminal=True)
    assert max(map(len, torn)) <= 20
    assert "".join(line.strip() for line in torn) == f"see {name}"


def test_a_file_keeps_the_line_whole() -> None:
    assert printed(LONG, 40, terminal=False) == [LONG]
    assert printed(Text(LONG, "red"), 40, terminal=False) == [LONG]
