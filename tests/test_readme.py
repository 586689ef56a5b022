"""Commands of the README's table, run as they stand on a store in which Table 3 is finished."""

import re
from collections.abc import Iterator
from pathlib import Path

import filled
import pytest
from test_line import run

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "README.md").read_text().split("## Which command for which wish", 1)[1]
COMMANDS = re.findall(r"^\| .*? \| `python (.+?)`", TABLE, re.MULTILINE)
GIVEN = re.compile(r"\b[A-Z]{2,}\b")
"""What a reader puts in: `FOLDER`, `CHECKPOINT`. tests/test_tutorial.py has commands with these."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the checkout's grids and a store of Table 3 that was filled by hand."""
    folder = tmp_path_factory.mktemp("readme")
    filled.fill(folder / "runs", ["table3"])
    (folder / "grids").symlink_to(ROOT / "grids")
    return folder


def test_the_table_has_commands() -> None:
    assert len([command for command in COMMANDS if not GIVEN.search(command)]) >= 9


@pytest.mark.parametrize("command", [c for c in COMMANDS if not GIVEN.search(c)])
def test_a_command_does_what_the_table_says(command: str, sweep: Path) -> None:
    script, *words = re.findall(r'"[^"]*"|\S+', command)
    done = run(script, *(word.strip('"') for word in words), cwd=sweep)
    expected = {
        "--dry-run": "86 cells (86 done)",
        "--status": "AP",
        "--cancel": "nothing",
        "--html": "table3.html",
        "--clean": "clean",
        "--explain": "checkpoint",
        "--show": "iterations",
    }
    found = [text for option, text in expected.items() if option in words]
    wanted = found[0] if found else ("nothing to do" if script == "launch.py" else "table3.txt")
    assert wanted in done.stdout, done.stdout[-2000:]
