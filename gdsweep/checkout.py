"""Whether this code lies in its git checkout, so that a commit says what it is."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that has the package: a checkout, a copy of one, or site-packages."""


def git(root: Path, *words: str) -> str | None:
    """What a git command prints in `root`; None where it fails or there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="surrogateescape") if done.returncode == 0 else None


def is_checkout(root: Path = ROOT) -> bool:
    """Whether git tracks the package in `root`.

    Code that is installed in an environment inside somebody's own repository is not of that
    repository, and none of its commits says what it is.
    """
    return git(root, "ls-files", "--error-unmatch", "gdsweep") is not None
