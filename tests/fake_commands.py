"""Commands of SLURM's that say what a test wants, in a folder before all others on the PATH."""

from pathlib import Path


def put(folder: Path, name: str, script: str) -> None:
    """Make a command of a few lines of shell; every call is noted with its arguments."""
    (folder / name).write_text(f'#!/bin/sh\necho "{name} $@" >> {folder}/calls\n{script}\n')
    (folder / name).chmod(0o755)


def calls(folder: Path, name: str = "") -> list[str]:
    """The calls so far, or those of one command."""
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.startswith(name)]
