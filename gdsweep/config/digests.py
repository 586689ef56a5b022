"""What a file holds, told by its digest; and whether it needs to be read again to tell.

A file is taken to be unchanged while path, size, time of writing, time of change and inode are. The
time of change (ctime) is the kernel's own: whoever replaces a content and puts the old time of
writing back (`cp -p`, `rsync -a`, `tar`, `touch`) changes it all the same. Where any of them
differs, the content is read; what it said of large files is kept in the user's cache folder, so
that 20 GB are read once and not with every command.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gdsweep import atomic
from gdsweep.config.paths import cache_folder

LARGE = 64 * 2**20
"""Bytes above which a digest is kept for the next command: reading less takes no time."""
SMALL = 2**20
"""Bytes below which files that were just changed are read rather than trusted."""
KEPT = 1000
"""Digests that are kept, the newest."""
YOUNG = 2.0
"""Seconds in which a change may not move a file's times: clocks tick, on NFS once a second."""


@dataclass(frozen=True)
class Stamp:
    """Some files as they lie on disk, without their content."""

    path: str
    """The file, or the folder that all of them lie in."""
    files: int
    """How many."""
    size: int
    """Bytes of all of them."""
    mtime: float
    """When the last of them was written (Unix time)."""
    mark: str
    """Hash of every file's name, path, size, times and inode."""
    young: bool
    """Whether one was changed so recently that another change might leave no trace."""


def stamp_of(files: Mapping[str, Path]) -> Stamp:
    """The stamp of some files by name. Raises OSError where one is not there."""
    total, size, written, changed = hashlib.sha256(), 0, 0.0, 0.0
    now = time.time()
    paths = {name: os.path.abspath(path) for name, path in files.items()}
    for name in sorted(paths):
        stat = os.stat(paths[name])
        state = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        total.update(f"{name}\0{paths[name]}\0{state}\n".encode(errors="surrogateescape"))
        size += stat.st_size
        written, changed = max(written, stat.st_mtime), max(changed, stat.st_ctime)
    place = os.path.commonpath(list(paths.values()))
    return Stamp(place, len(paths), size, written, total.hexdigest(), changed > now - YOUNG)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content. Raises OSError."""
    return remembered(stamp_of({"": path}), lambda: _read(path))


def remembered(stamp: Stamp, read: Callable[[], str], kind: str = "") -> str:
    """The digest that `read` makes of some files, or made when they had this stamp.

    `kind` tells digests of the same files apart that are made in other ways.
    """
    if stamp.young and stamp.size < SMALL:
        return read()
    known, key = _known(), f"{kind} {stamp.mark}".strip()
    if key not in known:
        known[key] = read()
        if stamp.size >= LARGE and not stamp.young:
            _keep(key, known[key])
    return known[key]


def _read(path: Path) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    return _kept()


def _kept() -> dict[str, str]:
    try:
        content = json.loads((cache_folder() / "digests.json").read_bytes())
    except (OSError, ValueError):
        return {}  # none kept yet, or damaged: every file is read again
    return content if isinstance(content, dict) else {}


def _keep(key: str, digest: str) -> None:
    kept = list({**_kept(), key: digest}.items())[-KEPT:]
    with contextlib.suppress(OSError):  # a home that cannot be written only costs time
        cache_folder().mkdir(parents=True, exist_ok=True)
        atomic.write_json(cache_folder() / "digests.json", dict(kept))
