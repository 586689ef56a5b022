"""Every Python that setup.cfg promises can have the versions of constraints.txt, says uv."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


def promised() -> list[str]:
    """Versions of Python named by setup.cfg's classifiers, such as `3.11`."""
    setup = configparser.ConfigParser()
    setup.read(TOP / "setup.cfg")
    classifiers = setup["metadata"]["classifiers"].split("\n")
    last = [line.rpartition(" :: ")[2] for line in classifiers]
    return [version for version in last if version.startswith("3.")]


def resolve(python: str) -> str | None:
    """Resolve all of setup.cfg for this Python within constraints.txt; what stands in the way.

    Skips the test where uv or a package index is missing.
    """
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed (it comes with the extra `test`)")
    command = [uv, "pip", "compile", "setup.cfg", "--all-extras", "--constraint", "constraints.txt"]
    command += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--no-python-downloads", "--quiet"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300)
    if done.returncode == 0:
        return None
    if "No solution found" not in done.stderr:
        pytest.skip(f"no package index answers: {done.stderr.strip().splitlines()[-1]}")
    return done.stderr


@pytest.mark.parametrize("python", promised())
def test_a_promised_python_has_every_constrained_version(python: str) -> None:
    assert resolve(python) is None


def test_a_python_that_is_not_promised_has_not() -> None:
    """Numpy 2.4 and pandas 3.1 have nothing for Python 3.10: why setup.cfg asks for 3.11."""
    assert "3.10" not in promised()
    assert "numpy" in (resolve("3.10") or "")
