"""What a command was asked for."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.plan.request import Mode, Request

DEMO = Path(__file__).resolve().parents[2] / "grids" / "demo.yaml"


def test_the_store_follows_the_mode() -> None:
    assert Request().store.root == Path("runs")
    assert Request(mode="eval-only").store.root == Path("runs")
    assert Request(mode="smoke").store.root == Path("runs-smoke")
    assert Request(mode="smoke", folder=Path("here")).store.root == Path("here")
    assert Request().within(Path("/scratch")).store.root == Path("/scratch")


@pytest.mark.parametrize(
    ("folder", "mode", "words"),
    [
        (None, "real", ""),
        (Path("runs"), "real", ""),
        (Path("runs"), "smoke", " --store runs --smoke"),
        (Path("my runs"), "eval-only", " --store 'my runs' --eval-only"),
    ],
)
def test_another_command_on_the_same_things(folder: Path | None, mode: Mode, words: str) -> None:
    request = Request(grid_names=("a.yaml", Path("b.yaml")), folder=folder, mode=mode)
    assert request.command("collect", "--html") == (
        f"python collect.py a.yaml b.yaml{words} --html"
    )


def test_the_mode_reaches_the_cells(tmp_path: Path) -> None:
    real = Request(grid_names=(DEMO,))
    small = Request(grid_names=(DEMO,), folder=tmp_path, mode="smoke")
    assert small.graph.iterations < 100 < real.graph.iterations
    assert real.graph is real.graph  # a grid is read once
    with pytest.raises(BadInput, match="--eval-only scores given weights"):
        _ = Request(grid_names=(DEMO,), mode="eval-only").graph


def test_each_grid_on_its_own() -> None:
    request = Request(grid_names=("a.yaml", "b.yaml"), mode="smoke")
    assert [one.paths for one in request.each()] == [(Path("a.yaml"),), (Path("b.yaml"),)]
    assert {one.mode for one in request.each()} == {"smoke"}
    with pytest.raises(BadInput, match=r"x/a\.yaml: another grid is called a too"):
        Request(grid_names=("x/a.yaml", "a.yaml")).each()
