"""What `pip install .` brings, and that it works far from the checkout."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from gdsweep import __version__

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("installed")  # the wheel is built once


def environment() -> dict[str, str]:
    """That of a user who has no checkout on the path."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def pip(*words: str) -> None:
    """Run pip without a network."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *words, *quiet]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout's files, built in a copy so that no earlier build gets into it."""
    pytest.importorskip("pip")
    # its import patches distutils, which other tests may have imported already
    version = importlib.metadata.version("setuptools")
    if tuple(map(int, version.split(".")[:2])) < (70, 1):
        pytest.skip(f"setuptools {version} builds no wheels by itself; 70.1 does")
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("gdsweep", "grids", "clusters", "plots", "tests"):
        shutil.copytree(
            ROOT / name,
            folder / "copy" / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for path in (*ROOT.glob("*.py"), *ROOT.glob("*.cfg"), *ROOT.glob("*.toml")):
        shutil.copy(path, folder / "copy")
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "copy")
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "copy"))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of an environment with the wheel, whose other packages are those of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    return folder / "bin"


def run(installed: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [installed / words[0], *words[1:]],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
    )


def test_nothing_but_gdsweep_is_installed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"gdsweep", f"gdsweep-{__version__}.dist-info"}
    shipped = {
        "gdsweep/presets/grids/table3.yaml",
        "gdsweep/presets/grids/paper/table3.yaml",
        "gdsweep/presets/clusters/example.yaml",
        "gdsweep/presets/backbones/resnet50.yaml",
        "gdsweep/plots/style.py",
        "gdsweep/report/page/page.css",
        "gdsweep/report/page/uplot/LICENSE",
        "gdsweep/py.typed",
    }
    assert shipped <= set(names)


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    links = ("plots", "presets/grids", "presets/clusters")
    folders = [ROOT / "gdsweep", *(ROOT / "gdsweep" / link for link in links)]
    files = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names


def test_a_shipped_grid_is_planned_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "gdsweep", "launch", "demo", "--dry-run", "--cluster", "local")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "1 run can start now, 2 follow; hours not measured yet\n2 cells (0"
    )
    done = run(installed, tmp_path, "gdsweep", "collect", "demo", "--store", "none")
    assert done.returncode == 0, done.stderr
    assert "Made by: gdsweep collect demo --store none\n" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_shipped_profiles_of_clusters_are_found(installed: Path, tmp_path: Path) -> None:
    code = "from gdsweep.cluster.slurm.profile import choose_profile as choose\n"
    done = run(installed, tmp_path, "python", "-c", code + "print(choose('example').name)")
    assert (done.stdout, done.stderr) == ("example\n", "")


def test_it_is_the_installed_code(installed: Path, tmp_path: Path) -> None:
    code = "import gdsweep; print(gdsweep.__file__)\nimport launch"
    done = run(installed, tmp_path, "python", "-c", code)
    assert Path(done.stdout).is_relative_to(installed.parent)
    assert "No module named 'launch'" in done.stderr
    assert run(installed, tmp_path, "gdsweep", "--version").stdout == f"gdsweep {__version__}\n"
