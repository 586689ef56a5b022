"""launch.py as people type it, with the demo's grid."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = str(ROOT / "grids" / "demo.yaml")
HEAVY = ("torch", "pandas", "matplotlib", "numpy", "scipy", "timm")


def command(*arguments: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        timeout=60,
    )


def imported(*arguments: str, folder: Path) -> set[str]:
    code = (
        "import sys\nfrom gdsweep.commands.entry import script\n"
        "try: script('launch', sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def test_help_imports_nothing_but_the_parser(tmp_path: Path) -> None:
    modules = imported("--help", folder=tmp_path)
    assert "argparse" in modules
    assert not modules & {*HEAVY, "pydantic", "yaml", "rich"}


def test_planning_imports_no_torch(tmp_path: Path) -> None:
    modules = imported(DEMO, "--dry-run", folder=tmp_path)
    assert "pydantic" in modules
    assert not modules & set(HEAVY)
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_flag() -> None:
    done = command("--help")
    assert done.returncode == 0
    flags = ("--dry-run", "--jobs", "--store", "--yes", "--retry", "--smoke", "--json", "--why")
    more = ("--cluster", "--status", "--watch", "--logs", "--follow", "--profile", "--cancel")
    more += ("--max-running", "--prune", "--avoid-bad-nodes", "--doctor")
    assert all(flag in done.stdout for flag in (*flags, *more))


def test_the_demo_plan_as_json(tmp_path: Path) -> None:
    done = command(DEMO, "--dry-run", "--json", folder=tmp_path)
    state = json.loads(done.stdout)
    assert done.returncode == 0
    assert state["cells"] == sum(state["cells_by_status"].values()) >= 2
    assert state["new"] == state["trajectories"] == len(state["runs"])
    assert state["iterations_planned"] < state["iterations_unshared"]
    assert list(tmp_path.iterdir()) == []


def test_grids_named_twice_share_their_runs(tmp_path: Path) -> None:
    one = json.loads(command(DEMO, "--dry-run", "--json", folder=tmp_path).stdout)
    two = json.loads(command(DEMO, DEMO, "--dry-run", "--json", folder=tmp_path).stdout)
    assert two["cells"] == 2 * one["cells"]
    assert two["trajectories"] == one["trajectories"]
    assert two["iterations_unshared"] == 2 * one["iterations_unshared"]


def test_why_of_runs_that_are_only_planned(tmp_path: Path) -> None:
    state = json.loads(command(DEMO, "--dry-run", "--json", folder=tmp_path).stdout)
    first, second = (run["run"] for run in state["runs"][:2])
    done = command(DEMO, "--why", first, second, folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"{first} | {second}"
    assert 'objective: "supervised" | "guided"' in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "launch.py: name a grid, such as grids/demo.yaml"),
        (["missing.yaml", "--dry-run"], "launch.py: missing.yaml"),
        ([DEMO, "--jobs", "0"], "launch.py: --jobs: 0 is not 1 or more"),
        ([DEMO, "--watch", "5"], "launch.py: --watch: 5 is not 30 seconds or more"),
        ([DEMO, "--max-running", "0"], "launch.py: --max-running: 0 is not 1 or more"),
        ([DEMO, "--cluster", "moon"], "--cluster moon: no such executor; there are slurm, local"),
        (["--why", "a", "b"], "launch.py: a: no such run in runs; there are: none"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], line: str, tmp_path: Path
) -> None:
    done = command(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_one_bad_grid_stops_all(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("axes: {labels: [101]}\n")
    done = command(DEMO, "bad.yaml", "--yes", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("launch.py: bad.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]
