"""RESULTS.md is written from whatever benchmarks print rows, and says what was not measured."""

import importlib
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1] / "benchmarks"

PROGRAM = """
import argparse
from rows import Row, Spread
parser = argparse.ArgumentParser()
parser.add_argument("--rows", action="store_true")
parser.parse_args()
print("a line that is no row")
ours, theirs = Spread.of([{ours}, {ours}, 9.0]), Spread.of([4.0])
Row("a step", "CPU-seconds", ours, peer=theirs, peer_name="theirs 1.0", goal=0.5,
    parts={{"the slow part": 2.5}}).print()
Row("a kernel", "ms", {kernel}, device="CUDA", goal=1.0).print()
"""


@pytest.fixture(scope="module")
def modules():
    """benchmarks/ is no package: its programs are run from there."""
    sys.path.insert(0, str(HERE))
    try:
        yield importlib.import_module("results"), importlib.import_module("rows")
    finally:
        sys.path.remove(str(HERE))


@pytest.fixture
def written(tmp_path, modules):
    def write(*programs, **values):
        text = PROGRAM.format(**{"ours": 3.0, "kernel": "None", **values})
        (tmp_path / "step.py").write_text(text)
        (tmp_path / "no_rows.py").write_text("raise SystemExit(1)")
        code = modules[0].main(["--folder", str(tmp_path), *programs])
        page = tmp_path / "RESULTS.md"
        return code, page.read_text() if page.exists() else ""

    return write


def test_rows_become_a_table_with_missed_goals_and_their_parts(written):
    code, page = written()
    assert code == 0
    assert "| a step | 3 (3-9) CPU-seconds | 4, theirs 1.0 | 0.75 | 0.5 | **missed** |" in page
    assert "| a kernel | not measured |  |  | 1 |  |" in page
    assert "- **a step**: 0.75 where 0.5 is the goal. Of 3 CPU-seconds: the slow part 2.5." in page


def test_what_was_measured_stays_where_it_is_not_measured_again(written):
    written(kernel="Spread.of([0.9])")
    code, page = written(ours=1.0)
    assert code == 0
    assert "| a step | 1 (1-9) CPU-seconds | 4, theirs 1.0 | 0.25 | 0.5 | met |" in page
    assert "| a kernel | 0.9 ms; CUDA |  | 0.9 | 1 | met |" in page
    assert "not measured" not in page


def test_a_program_that_fails_keeps_its_earlier_rows_and_says_so(written, capfd):
    written()
    code, page = written(ours="1 / 0")
    assert code == 1
    assert "failed: step; their earlier rows stay" in capfd.readouterr().err
    assert "| a step | 3 (3-9) CPU-seconds |" in page


def test_an_unknown_program_is_refused(written, capsys):
    code, _ = written("no_rows")
    assert code == 2
    assert capsys.readouterr().err == "no benchmark is called no_rows; valid: step\n"


def test_the_example_of_the_readme_is_the_form_of_a_row(modules):
    text = (HERE / "README.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith('{"row"'))
    row = modules[1].read_row(line)
    assert {*json.loads(line)["row"]} == {*row.__dataclass_fields__}
    assert row.value == 1.1
