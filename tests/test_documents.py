"""What documents point at is there, and commands they show print what they show."""

import re
from pathlib import Path

import pytest
from test_line import run

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in LINK.findall(page.read_text()) if not t.startswith(("http", "mailto:"))]
    absent = [target for target in targets if not (page.parent / target).exists()]
    assert absent == []


def test_what_may_die_is_shown_by_tests_that_there_are() -> None:
    table = (ROOT / "docs" / "slurm.md").read_text().split("## What may die", 1)[1]
    rows = table.split("\n\n")[1].splitlines()[2:]
    modules = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for row in rows:
        named = re.findall(r"`(test_\w+)(…?)`", row.rsplit("|", 2)[1])
        assert named, row
        for name, cut in named:
            assert f"def {name}" + ("" if cut else "(") in modules, name


def test_the_tours_plan_is_the_plan(tmp_path: Path) -> None:
    tour = (ROOT / "docs" / "tour.md").read_text()
    shown = tour.split("--cluster local\n", 1)[1].split("\n```", 1)[0]
    grid = ROOT / "grids" / "shapes.yaml"
    printed = run("launch.py", grid, "--dry-run", "--cluster", "local", cwd=tmp_path).stdout
    assert (
        printed.replace(str(tmp_path), "/home/me/gdsweep").strip().splitlines()
        == shown.splitlines()
    )
