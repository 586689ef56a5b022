"""Published weights to a table without training: convert, `launch --eval-only`, `collect`."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny import TINY, merged

from gdsweep.cluster import launch
from gdsweep.commands.entry import console, script
from gdsweep.runs import Score

SETTINGS = merged(
    {k: v for k, v in TINY.items() if k not in ("dataset", "labels")},
    {
        "model": {"backbone": "resnet18", "norm": "frozen"},
        "schedule": {"iterations": 40},
        "evaluation": {"period": 40},
        "augmentation": {"crop": [64, 64], "scale": [0.7, 1.0]},
        "distillation": {"burn_in": 2},
    },
)
FORMATS = {"mask2former": "published.pth", "transformers": "published"}


def write(folder: Path, name: str, axes: dict[str, Any], **settings: Any) -> Path:
    page = {
        "title": "Test",
        "axes": {"dataset": ["few"], "labels": [50], "method": ["supervised"], **axes},
        "datasets": {"few": {"format": "shapes", "train": 12, "val": 4, "test": 6}},
        "settings": merged(SETTINGS, settings),
        "table": {"rows": list(axes) or ["method"], "columns": ["dataset", "labels"]},
    }
    path = folder / name
    path.write_text(yaml.safe_dump(page, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run, its weights in two formats, and a grid that has only these."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write(folder, "train.yaml", {})
        assert script("launch", ["train.yaml", "--cluster", "local", "--yes"]) == 0
        run = next((folder / "runs").glob("*/config.yaml")).parent
        for to, name in FORMATS.items():
            assert console(["convert", str(run), str(folder / name), "--to", to]) == 0
    fp16 = {"precision": "fp16"}  # the default is no obstacle on a CPU: nothing is trained
    write(folder, "grid.yaml", {"model.init": list(FORMATS.values())}, optimizer=fp16)
    return folder


def scores(store: Path, key: str) -> list[Score]:
    return [
        Score.model_validate_json(path.read_text()) for path in store.glob(f"*/scores/{key}.json")
    ]


@pytest.mark.slow
def test_a_table_of_published_weights_has_the_original_numbers(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    asked = ["grid.yaml", "--eval-only", "--store", "evaluated"]
    assert script("launch", [*asked, "--cluster", "local", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "2 cells (0 done) from 2 runs: given weights are scored, nothing is trained" in told
    assert f"new, to score {trained / 'published.pth'}" in told
    assert not Path("evaluated").exists()
    assert script("launch", [*asked, "--cluster", "local", "--yes"]) == 0
    told = capsys.readouterr().out
    assert ": started, to score its weights" in told
    again = "python collect.py grid.yaml --store evaluated --eval-only"
    assert told.splitlines()[-1] == f"done: 2 of 2 cells; see them with: {again}"
    (original,) = scores(trained / "runs", "test-best-student")
    found = scores(trained / "evaluated", "test-0-student")
    assert [score.metrics for score in found] == [original.metrics] * 2
    assert not any(p.read_text() for p in (trained / "evaluated").glob("*/metrics.json"))
    (first,) = (trained / "runs").glob("*/predictions/test-best-student.json")
    for path in (trained / "evaluated").glob("*/predictions/test-0-student.json"):
        assert path.read_bytes() == first.read_bytes()
        assert json.loads(first.read_text())
    check_collected(original, capsys)
    assert script("launch", [*asked, "--cluster", "local"]) == 0
    assert "nothing to do: 2 of 2 cells are done" in capsys.readouterr().out
    assert script("launch", [*asked, "--cluster", "local", "--status"]) == 0
    told = capsys.readouterr().out
    assert "2 of 2 cells done · given weights are scored, nothing is trained" in told


def check_collected(original: Score, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["grid.yaml", "--eval-only", "--store", "evaluated"]
    assert script("collect", [*asked, "--html", "--check"]) == 0
    told = capsys.readouterr().out
    assert "(given weights, nothing trained)" in told
    assert "student network, the given weights, not trained here." in told
    assert "python collect.py grid.yaml --store evaluated --eval-only --html" in told
    assert "wrote results/grid-eval-only.html" in told
    page = Path("results/grid-eval-only.html").read_text()
    assert "scored as it begins, nothing is trained" in page
    assert script("collect", [*asked, "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["grids"][0]["cells"]
    for cell in cells:
        assert cell["AP"] == pytest.approx(original.metrics["AP"], abs=1e-9)
        assert (cell["status"], cell["iteration"]) == ("done", 0)
    assert script("collect", [*asked, "--explain", "published.pth"]) == 0
    told = capsys.readouterr().out
    assert "the given weights, not trained here" in told
    assert str(Path("published.pth").resolve()) in told
    assert "none: the given weights are scored" in told


@pytest.mark.slow
def test_a_holes_reason_and_the_plan_as_json(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    asked = ["grid.yaml", "--eval-only", "--store", "empty"]
    assert script("collect", [*asked]) == 0
    assert "–: missing, not begun." in capsys.readouterr().out
    assert script("launch", [*asked, "--cluster", "local", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["new"], plan["iterations_planned"], plan["iterations_todo"]) == (2, 0, 0)
    assert {run["hours"] for run in plan["runs"]} == {0}


@pytest.mark.slow
def test_what_others_want_trained_is_not_trained_by_the_way(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    short = {"schedule": {"iterations": 2}, "evaluation": {"period": 2}}
    write(trained, "one.yaml", {}, model={"init": "published.pth"}, **short)
    asked = ["one.yaml", "--store", "both", "--cluster", "local"]
    failing = functools.partial(launch, trainer=["python", "-c", "raise SystemExit(1)"])
    with monkeypatch.context() as patch:
        patch.setattr("gdsweep.cluster.launch", failing)
        assert script("launch", [*asked, "--yes"]) == 1
    capsys.readouterr()
    assert script("launch", [*asked, "--eval-only", "--yes", "--retry"]) == 2
    told = capsys.readouterr().err
    assert "an earlier launch wants 2 iterations of it, and --eval-only trains nothing" in told
    # once trained, its first weights can still be scored
    assert script("launch", [*asked, "--yes", "--retry"]) == 0
    assert script("launch", [*asked, "--eval-only", "--yes"]) == 0
    assert len(scores(trained / "both", "test-0-student")) == 1


@pytest.mark.parametrize("name", ["launch", "collect"])
def test_a_grid_without_weights_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write(tmp_path, "grid.yaml", {})
    assert script(name, [str(grid), "--eval-only"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{grid}: --eval-only scores given weights, and cell few 50 % supervised" in told
    with pytest.raises(SystemExit, match="2"):
        script(name, [str(grid), "--eval-only", "--smoke"])
    assert "--smoke: not allowed with argument --eval-only" in capsys.readouterr().err
