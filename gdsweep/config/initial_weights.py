"""Files of trained weights that a run starts from or is taught by."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput


def weights_digest(path: str) -> str:
    """Hash of a file of weights, or of the files of a folder: what it is, wherever it lies.

    Raises:
        BadInput: nothing of that name, or it cannot be read.
    """
    place = Path(expanded(path))
    files = sorted(p for p in place.iterdir() if p.is_file()) if place.is_dir() else [place]
    try:
        total = hashlib.sha256()
        for file in files:
            total.update(_digest(str(file), os.stat(file).st_mtime_ns).encode())
    except OSError as error:
        raise BadInput(
            f"{place}: {error.strerror}; valid: a file or folder of trained weights, such as "
            "`python -m gdsweep.interop convert` writes"
        ) from None
    return total.hexdigest()


@lru_cache(maxsize=64)
def _digest(path: str, changed: int) -> str:
    with open(path, "rb") as file:
        total = hashlib.sha256()
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
