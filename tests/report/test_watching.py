"""`collect.py --watch`: files follow the store."""

import json
from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.errors import BadInput
from gdsweep.plan.request import Request
from gdsweep.report.collecting import Extras
from gdsweep.report.watching import watch

EXTRAS = Extras(html=True, period=60.0)
PAGE = Path("results/grid.html")
NAMES = [
    {"labels": labels, "method": method, "seed": seed}
    for labels in (1, 10)
    for method in ("supervised", "guided")
    for seed in (0, 1, 2)
]


def follow(steps: list[Any], extras: Extras = EXTRAS, grid: str = "grids/grid.yaml") -> list[str]:
    """What a watch tells while `steps` happen, one a look; then it is stopped."""
    told: list[str] = []
    left = iter(steps)

    def wait(seconds: float) -> None:
        assert seconds == 60
        told.append("look")
        try:
            next(left)()
        except StopIteration:
            raise KeyboardInterrupt from None

    request = Request(grid_names=(Path(grid),))
    with pytest.raises(KeyboardInterrupt):
        watch([request], extras, ["--html"], Path("results"), 60.0, told.append, wait)
    return [line.split(maxsplit=1)[1] if line[0].isdigit() else line for line in told]


@pytest.fixture
def drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are not what is watched here."""
    monkeypatch.setattr("gdsweep.report.collecting.drawings", lambda *_: [])


@pytest.mark.usefixtures("drawn_at_once")
def test_it_writes_when_a_score_comes_and_not_when_nothing_does(bench: Any) -> None:
    pages = []

    def keep() -> None:
        pages.append((PAGE.stat().st_mtime_ns, PAGE.read_text()))

    def score() -> None:
        keep()
        bench.score(12.0, 900, labels=1, method="supervised", seed=0)

    def talk() -> None:
        keep()
        _, run, _ = bench.find(labels=1, method="supervised", seed=0)
        run.log.write_text("a line of the log is no result")

    told = follow([score, talk, keep])
    said = "cells done, wrote results/grid.html and"
    assert [line.split(said)[0] for line in told] == [
        "grid: 0 of 12 ", "look", "grid: 1 of 12 ", "look", "look", "look",
    ]  # fmt: skip
    first, second, third = pages
    assert first[1] != second[1]
    assert second == third
    assert '"period":60.0' in second[1]
    # the command that makes the page, which need not be watched
    assert "python collect.py grids/grid.yaml --html" in second[1]


@pytest.mark.usefixtures("drawn_at_once")
def test_it_ends_when_all_is_done(bench: Any) -> None:
    for axes in NAMES[1:]:
        bench.score(12.0, 900, **axes)
    told: list[str] = []
    request = Request(grid_names=(bench.path,))

    def wait(_: float) -> None:
        bench.score(12.0, 900, **NAMES[0])

    watch([request], EXTRAS, [], Path("results"), 60.0, told.append, wait)
    assert [line.split()[2] for line in told] == ["11", "12"]
    assert '"period":null' in PAGE.read_text()  # nothing is to come


@pytest.mark.usefixtures("drawn_at_once")
def test_an_edited_grid_is_read_anew_and_a_broken_one_waited_for(bench: Any) -> None:
    text = bench.path.read_text()
    steps = [
        lambda: bench.path.write_text(text.replace("seed: [0, 1, 2]", "seed: [0, 1]")),
        lambda: bench.path.write_text("title: 1\n"),
        bench.path.unlink,
        lambda: bench.path.write_text(text),
    ]
    told = [line for line in follow(steps) if line != "look"]
    assert "of 12 cells" in told[0]
    assert "of 8 cells" in told[1]
    assert told[2].startswith("grids/grid.yaml:1: ")
    assert told[2].endswith("(trying again in 60 seconds)")
    assert "grids/grid.yaml: " in told[3]
    assert "of 12 cells" in told[4]


def test_what_cannot_be_written_ends_it_at_once(bench: Any) -> None:
    Path("results").write_text("")
    with pytest.raises(BadInput, match="results: cannot be written"):
        watch([Request(grid_names=(bench.path,))], Extras(), [], Path("results"), 60.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grid", "--watch", "5"], "5 is not between 30 seconds and a day"),
        (["grid", "--watch", "nan"], "nan is not between 30 seconds and a day"),
        (["--watch", "grid"], "grid is no number of seconds; name grids before it, or --watch=60"),
        (["grid", "--watch", "--check"], "--watch: it goes with files alone, not with --check"),
        (["grid", "--watch", "--json"], "--watch: it goes with files alone, not with --json"),
    ],
)
def test_bad_input_is_told(
    bench: Any, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = script("collect", words)
    except SystemExit as end:  # argparse's own
        code = int(end.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("drawn_at_once")
def test_the_command_watches(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for axes in NAMES:
        bench.score(12.0, 900, **axes)
    assert script("collect", ["grids/grid.yaml", "--html", "--watch"]) == 0
    assert "grid: 12 of 12 cells done, wrote results/grid.html" in capsys.readouterr().out
    assert json.loads(PAGE.read_text().split('id="data">')[1].split("</script>")[0])["runs"]
