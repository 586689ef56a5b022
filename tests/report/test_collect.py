"""collect.py as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.runs import lock

COLLECT = Path(__file__).parents[2] / "collect.py"
SUFFIXES = ("-notes.txt", ".csv", ".md", ".pdf", ".png", ".tex", ".txt")


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COLLECT), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_a_partial_store(partial: Any) -> None:
    student = partial.chain(labels=1, method="guided", seed=0)[-1]
    partial.metrics(student, [{"iteration": 500, "total_loss": 5.0, "segm/AP": 14.0}])
    done = call("grids/grid.yaml", "--curves")
    assert (done.returncode, done.stderr) == (0, "")
    assert "14.0 ± 2.0" in done.stdout
    assert "✗ blocked" in done.stdout
    names = sorted(path.name for path in Path("results").iterdir())
    assert names == sorted(
        [*(f"grid{suffix}" for suffix in SUFFIXES), "grid-curves-1.pdf", "grid-curves-1.png"]
    )
    for name in names:
        assert f"wrote results/{name}" in done.stdout
    assert Path("results/grid.png").read_bytes().startswith(b"\x89PNG")
    assert Path("results/grid.pdf").read_bytes().startswith(b"%PDF")


def test_again_gives_the_same_bytes(partial: Any) -> None:
    student = partial.chain(labels=1, method="guided", seed=0)[-1]
    partial.metrics(student, [{"iteration": 500, "total_loss": 5.0, "segm/AP": 14.0}])
    assert call("grids/grid.yaml").returncode == 0
    before = {path.name: path.read_bytes() for path in Path("results").iterdir()}
    Path("results/grid.png").unlink()
    assert call("grids/grid.yaml").returncode == 0
    assert {path.name: path.read_bytes() for path in Path("results").iterdir()} == before


def test_pictures_are_drawn_again_where_their_data_changed(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    students = [partial.chain(labels=p, method="supervised", seed=0)[-1] for p in (1, 10)]
    for student in students:
        partial.metrics(student, [{"iteration": 500, "total_loss": 5.0, "segm/AP": 14.0}])
    for command in (["--curves"], ["--curves"], ["--curves", "--check"]):
        script("collect", ["grids/grid.yaml", *command])
    first, again, otherwise = capsys.readouterr().out.split("Made by: ")[1:]
    for name in ("grid", "grid-curves-1", "grid-curves-10"):
        assert f"wrote results/{name}.png" in first
        assert f"unchanged results/{name}.png" in again
        assert f"unchanged results/{name}.pdf" in otherwise
    partial.metrics(students[0], [{"iteration": 500, "total_loss": 5.0, "segm/AP": 15.0}])
    script("collect", ["grids/grid.yaml", "--curves"])
    said = capsys.readouterr().out
    assert "wrote results/grid-curves-1.png" in said
    assert "unchanged results/grid-curves-10.png" in said


def test_generated_files_say_which_command_made_them(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", ["grids/grid.yaml", "--out", "out"]) == 0
    command = "python collect.py grids/grid.yaml --out out"
    for suffix in (".csv", ".md", ".tex", ".txt"):
        assert command in (Path("out") / f"grid{suffix}").read_text()
    for suffix in (".pdf", ".png"):
        assert command.encode() in (Path("out") / f"grid{suffix}").read_bytes()
    assert "Made by: " + command in capsys.readouterr().out


def test_the_table_with_our_numbers_only_is_written_when_asked(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", ["grids/grid.yaml", "--clean"]) == 0
    said = capsys.readouterr().out
    for suffix in (".md", ".tex", ".txt"):
        text = Path(f"results/grid-clean{suffix}").read_text()
        assert "Mask2Former" in text
        assert "Polite Teacher" not in text
        assert "13.5" not in text
    assert said.count("Made by: python collect.py grids/grid.yaml --clean\n") == 2
    assert "wrote results/grid-clean.tex" in said


def test_a_terminal_gets_tables_of_its_width_and_files_do_not(
    partial: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "64")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert script("collect", ["grids/grid.yaml"]) == 0
    table = capsys.readouterr().out.split("Made by")[0]
    assert "22.0±1.4 (2/3)" in table
    assert max(map(len, table.splitlines())) <= 64
    text = Path("results/grid.txt").read_text()
    assert "22.0 ± 1.4 (2/3) [2] ≈ 21.5" in text
    assert max(map(len, text.splitlines())) > 64


def test_json(partial: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (grid,) = said["grids"]
    assert (grid["grid"], len(grid["cells"]), said["left_out"]) == ("grids/grid.yaml", 12, [])
    assert grid["cells"][0]["AP"] == 12.0
    assert grid["cells"][11]["AP"] is None
    assert grid["cells"][11]["status"] == "blocked"
    assert "results/grid.txt" in grid["files"]


def test_an_empty_store_shows_all_holes(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml", "--store", "nowhere"]) == 0
    assert "–: missing, not begun." in capsys.readouterr().out
    assert not Path("nowhere").exists()
    assert Path("results/grid.png").exists()


def test_without_grids_those_with_runs_are_collected(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = partial.path.read_text()
    Path("grids/other.yaml").write_text(text.replace("iterations: 1000", "iterations: 2000"))
    Path("grids/broken.yaml").write_text("title: 1\n")
    assert script("collect", []) == 0
    said = capsys.readouterr()
    assert "left out: grids/other.yaml: none of its runs is in runs\n" in said.err
    assert "left out: grids/broken.yaml:1: " in said.err
    assert Path("results/grid.txt").exists()
    assert not Path("results/other.txt").exists()


def test_without_grids_and_runs_there_is_nothing(
    bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", ["--store", "nowhere"]) == 0
    assert capsys.readouterr().out == "nothing to collect yet\n"
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grids/none.yaml"], "none.yaml"),
        (["grids/broken.yaml"], "broken.yaml:1"),
        (["grids/grid.yaml", "--out", "file"], "file: cannot be written"),
        (["grids/grid.yaml", "copy/grid.yaml"], "another grid is called grid"),
        (["grids/grid.yaml", "--store", "file"], "file: --store is not a folder"),
    ],
)
def test_bad_input_is_one_line(
    bench: Any, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("grids/broken.yaml").write_text("title: 1\n")
    Path("file").write_text("")
    Path("copy/paper").mkdir(parents=True)
    for name in ("grid.yaml", "paper/table.yaml"):
        (Path("copy") / name).write_text((Path("grids") / name).read_text())
    assert script("collect", words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("collect.py: ")
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_the_exit_code_reaches_the_shell(bench: Any) -> None:
    done = call("grids/none.yaml")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert call("--no-such-option").returncode == 2


def test_where_no_grids_are_one_must_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert script("collect", []) == 2
    assert capsys.readouterr().err == (
        "collect.py: grids: no grid files in this folder; name a grid, such as table3\n"
    )


def test_a_terminal_that_knows_only_ascii(partial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = call("grids/grid.yaml")
    assert done.returncode == 0, done.stderr
    assert "14.0 ? 2.0" in done.stdout
    assert "14.0 ± 2.0" in Path("results/grid.txt").read_text(encoding="utf-8")


def test_damage_is_told_once_and_collecting_goes_on(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run, ref = partial.find(labels=1, method="supervised", seed=0)
    run.score(ref).write_text("{")
    assert script("collect", ["grids/grid.yaml"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"grid: {run.score(ref)}: damaged (")
    assert printed.err.count("\n") == 1
    assert "15.0 ± 1.4 (2/3)" in printed.out  # 14 and 16


def test_smoke_results_have_files_of_their_own(
    bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", ["grids/grid.yaml", "--smoke"]) == 0
    said = capsys.readouterr().out
    assert "smoke test" in said
    assert "Made by: python collect.py grids/grid.yaml --smoke\n" in said
    assert Path("results/grid-smoke.txt").exists()
    assert not Path("results/grid.txt").exists()


def test_a_live_trainer_is_no_obstacle(partial: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = partial.make(partial.chain(labels=10, method="guided", seed=1)[1].name)
    partial.metrics(run, [{"iteration": 100, "total_loss": 5.0}])
    with run.metrics.open("a") as half:
        half.write('{"iteration": 120, "total_')
    with lock.hold(run.lock):
        assert script("collect", ["grids/grid.yaml"]) == 0
    assert "running 55 %" in capsys.readouterr().out  # 1,000 of the teacher's and 100 of 1,000 more


def test_help_imports_nothing_heavy() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(COLLECT.parent)!r})\n"
        "from gdsweep.commands.entry import script\n"
        "try:\n    script('collect', ['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'pandas', 'matplotlib', 'torch', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--smoke" in done.stdout


def test_collecting_never_imports_torch(partial: Any) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(COLLECT.parent)!r})\n"
        "from gdsweep.commands.entry import script\n"
        "assert script('collect', ['grids/grid.yaml', '--html', '--check', '--panels', '2']) == 0\n"
        "assert script('collect', ['--explain', 'grid', '1', 'guided', 'seed=0']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_check_tells_misses_and_exits_1(partial: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    said = capsys.readouterr().out
    assert "grid: 3 of 4 published values checked: 3 within; 2 orderings" in said
    assert "miss:" not in said
    for seed, ap in enumerate((9.0, 9.2, 9.4)):
        partial.score(ap, 900, labels=1, method="supervised", seed=seed)
    assert script("collect", ["grids/grid.yaml", "--check"]) == 1
    said = "miss: COCO 1 % Mask2Former: 9.2 ± 0.2, published 13.5 (-4.3, below"
    assert said in capsys.readouterr().out
    assert script("collect", ["grids/grid.yaml"]) == 0
    assert script("collect", ["grids/grid.yaml", "--check", "--json"]) == 1
    capsys.readouterr()


def test_a_hole_is_a_miss_only_when_strict(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml", "--check"]) == 0
    assert "0 of 4 published values checked" in capsys.readouterr().out
    assert script("collect", ["grids/grid.yaml", "--check", "--strict", "--json"]) == 1
    (grid,) = json.loads(capsys.readouterr().out)["grids"]
    assert "COCO 1 % Mask2Former: no number (–)" in grid["misses"]


@pytest.mark.parametrize("grid", ["grids/grid.yaml", "grid"])
def test_explain(partial: Any, grid: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["--explain", grid, "coco", "1", "guided", "seed=0"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("coco 1 % guided seed 0: AP 21.0\n")
    assert "teacher, student network, best: coco-1pct-resnet50-supervised-s0-" in said
    assert not Path("results").exists()
    assert script("collect", ["--explain", grid, "1", "guided", "seed=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == "AP 21.0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--explain", "grid", "1", "guided"], "grid 1 guided: 3 numbers fit: coco 1 % guided"),
        (["--explain", "grid", "swin"], "grid swin: no number fits swin: "),
        (["--explain", "grid"], "--explain: name a grid and a number"),
        (["--explain"], "--explain: name a grid and a number"),
        (["--explain", "none", "1"], "none: no such file"),
        (["grid", "--strict"], "--strict: it goes with --check"),
        (["grid", "--smoke", "--check"], "--check: what --smoke trained is no result"),
    ],
)
def test_a_bad_question_is_one_line(
    bench: Any, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"collect.py: {said}")
    assert printed.err.count("\n") == 1


def test_html_is_one_page_with_its_figures(
    partial: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    student = partial.chain(labels=1, method="guided", seed=0)[-1]
    partial.metrics(student, [{"iteration": 500, "total_loss": 5.0, "segm/AP": 14.0}])
    assert script("collect", ["grids/grid.yaml", "--html"]) == 0
    assert "wrote results/grid.html" in capsys.readouterr().out
    page = Path("results/grid.html").read_text()
    assert page.count('src="data:image/png;base64,') == 1
    assert "Label efficiency" in page
    assert '<section id="curves">' in page
    assert not list(Path("results").glob("grid-curves*"))  # the page draws them itself
    assert "python collect.py grids/grid.yaml --html" in page
    assert script("collect", ["grids/grid.yaml", "--html"]) == 0
    assert Path("results/grid.html").read_text() == page  # the same bytes again
    capsys.readouterr()


SHAPES = """
title: Panels
axes: {dataset: [shapes], labels: [5], method: [supervised, guided]}
settings: {backbone: test_resnet, schedule: {iterations: 1000}, distillation: {burn_in: 400}}
figure: {kind: validation-curves}
"""


def test_panels_and_validation_curves(new_bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bench = new_bench(SHAPES, name="shapes")
    for method in ("supervised", "guided"):
        run = bench.score(10.0, 900, method=method)
        _, _, ref = bench.find(method=method)
        run.predictions(ref).write_text("[]")
        record = json.loads(run.score(ref).read_text().replace("NaN", "null"))
        record["predictions"] = str(run.predictions(ref).relative_to(run.path))
        run.score(ref).write_text(json.dumps(record))
        bench.metrics(run, [{"iteration": 900, "segm/AP": 12.0}])
    assert script("collect", ["shapes", "--panels", "3", "--curves", "--html"]) == 0
    said = capsys.readouterr().out
    for name in ("shapes.png", "shapes-curves.pdf", "shapes-panels-shapes-5.png", "shapes.html"):
        assert f"wrote results/{name}" in said
    assert "Predictions, shapes, 5 %" in Path("results/shapes.html").read_text()


def test_panels_count_images(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script("collect", ["grid", "--panels", "-1"])
    assert end.value.code == 2
    assert "no number of images" in capsys.readouterr().err


def test_who_reads_no_further_gets_no_traceback(partial: Any) -> None:
    done = subprocess.run(
        f"{sys.executable} {COLLECT} grids/grid.yaml | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("", "")
