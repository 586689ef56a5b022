"""Trained weights that a run starts from or is taught by: a file, a folder, or another run's."""

import hashlib
from pathlib import Path

from gdsweep.config.digests import file_digest
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput
from gdsweep.runs.checkpoints import newest_checkpoint
from gdsweep.runs.layout import RunDir


def is_run(path: str) -> bool:
    """Whether weights are given as the directory of a run."""
    return RunDir(expanded(path)).exists()


def weights_files(path: str, network: str = "student") -> list[Path]:
    """The files that weights are read from; see `weights_digest`. Raises BadInput and OSError."""
    place = Path(expanded(path))
    if is_run(path):
        return [newest_checkpoint(RunDir(place), network).path]
    if place.is_dir():
        return sorted(entry for entry in place.iterdir() if entry.is_file())
    return [place]


def weights_digest(path: str, network: str = "student") -> str:
    """Hash of weights by their content: what they are, wherever they lie.

    Of a run directory only the checkpoint counts that is read from it: logs may grow.

    Args:
        path: a file, a folder whose files are all hashed, or a run directory.
        network: `student` or `teacher`, which of a run's networks is meant.

    Raises:
        BadInput: nothing of that name, it cannot be read, or a run without such a checkpoint.
    """
    place = Path(expanded(path))
    total = hashlib.sha256()
    try:
        for file in weights_files(path, network):
            total.update(file_digest(file).encode())
    except OSError as error:
        raise BadInput(
            f"{place}: {error.strerror}; valid: a file or folder of trained weights, such as "
            "`python -m gdsweep.interop convert` writes, or a run directory"
        ) from None
    return total.hexdigest()
