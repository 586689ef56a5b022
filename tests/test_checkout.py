"""Whose commit says what the code is."""

import subprocess
from pathlib import Path

from gdsweep.checkout import git, is_checkout


def test_a_commit_of_somebody_elses_repository_says_nothing(tmp_path: Path) -> None:
    theirs = tmp_path / "project"
    installed = theirs / ".venv" / "site-packages"
    (installed / "gdsweep").mkdir(parents=True)
    (installed / "gdsweep" / "__init__.py").write_text("")
    assert not is_checkout(installed)
    subprocess.run(["git", "init", "-q", str(theirs)], check=True)
    assert git(installed, "rev-parse", "--show-toplevel") is not None
    assert not is_checkout(installed)
    subprocess.run(["git", "-C", str(installed), "add", "gdsweep"], check=True)
    assert is_checkout(installed)


def test_what_git_does_not_know_is_none(tmp_path: Path) -> None:
    assert git(tmp_path, "rev-parse", "HEAD") is None
    assert git(tmp_path / "nowhere", "status") is None
