"""Paths as people write them in a grid."""

import os
import re
from pathlib import Path


def expanded(path: str) -> str:
    """A path with `~` and `$VARIABLES` put in; $DETECTRON2_DATASETS is `datasets` where not set.

    That is detectron2's rule; a relative path is relative to the working directory.
    """
    if "DETECTRON2_DATASETS" not in os.environ:
        path = re.sub(r"\$(DETECTRON2_DATASETS\b|\{DETECTRON2_DATASETS\})", "datasets", path)
    return os.path.expanduser(os.path.expandvars(path))


def beside(path: str, folder: Path) -> str:
    """A relative path put behind `folder`; `~` and `$VARIABLES` stay as they are."""
    return path if path.startswith(("~", "$", os.sep)) else str(folder / path)


def cache_folder() -> Path:
    """The folder of what is kept between commands for this user, wherever the store is."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "gdsweep"
