"""Bars of a launch, as wide as the terminal."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from gdsweep.cluster.local.bars import Bar, Bars, shortened

BARS = [
    Bar("sweep", 1860, 5000, "1,860 of 5,000", "12m 40s left"),
    Bar(
        "shapes-5pct-test_resnet-supervised-s0-f9cd209b", 1740, 3750, "1,740 of 3,750",
        "7m 30s left", "AP 20.1 (teacher 21.0)", "loss 18.694", "0.09 s/it",
    ),
    Bar("shapes-5pct-test_resnet-guided-s0-2ae3b7f1", 120, 500, "scoring 120 of 500"),
]  # fmt: skip


def drawn(width: int, bars: list[Bar], height: int = 30) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, no_color=True
    )
    live = Bars(console)
    live.show("1 of 3 runs done", bars)
    with console.capture() as capture:
        console.print(live.get_renderable())
    return re.sub(r"\x1b\[[0-9;]*m", "", capture.get()).splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 100, 160])
def test_numbers_are_whole_at_any_width(width: int) -> None:
    lines = drawn(width, BARS)
    assert max(map(cell_len, lines)) <= width
    for line, bar in zip(lines[1:], BARS, strict=True):
        assert bar.says in line
        assert bar.left in line
        for more in (bar.ap, bar.loss, bar.seconds):
            assert more in line or more.split(" ")[0] not in line
    if width >= 80:
        assert "shapes-5pct-test_resnet-supervised-s0" in lines[2]
    if width >= 160:
        assert "AP 20.1 (teacher 21.0) loss 18.694 0.09 s/it" in lines[2]


def test_what_ended_is_gone_and_a_low_terminal_counts_the_rest() -> None:
    many = [Bar(f"run{n}", 1, 2, "1 of 2") for n in range(20)]
    lines = drawn(80, many, height=10)
    assert len(lines) == 8
    assert lines[0] == "1 of 3 runs done · 13 more"
    console = Console(file=io.StringIO(), width=80, height=30, force_terminal=True)
    live = Bars(console)
    live.show("", many)
    live.show("", many[:2])
    assert len(live.tasks) == 2


def test_a_name_gives_way_by_its_hash_first() -> None:
    name = "shapes-5pct-test_resnet-guided-s0-2ae3b7f1"
    assert shortened(name, 42) == name
    assert shortened(name, 41) == "shapes-5pct-test_resnet-guided-s0"
    assert shortened(name, 20) == "shapes-5pc…guided-s0"
