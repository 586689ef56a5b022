"""Images that a data set holds more than once: in one set twice, or trained on and scored."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

from gdsweep.data.readable import THREADS, Part

_TAIL = 4096  # bytes at the end of a file by which most files differ


def twin_notes(parts: Sequence[Part]) -> list[str]:
    """A line for each image set, and each pair of them, that holds the same image file twice.

    Files are the same whose bytes are, whatever their names. Only files of one size and one end are
    read to compare them. Files that cannot be read are left to `check_readable`.
    """
    digests = _digests({path for part in parts for _, path, _ in part.files()})
    named: dict[str, dict[str, list[str]]] = {}
    for part in parts:
        names = named.setdefault(part.name, {})
        for name, path, _ in part.files():
            if path in digests:
                names.setdefault(digests[path], []).append(name)
    notes = []
    for one, names in named.items():
        twice = [same for same in names.values() if len(same) > 1]
        if twice:
            first, second, *_ = twice[0]
            count = sum(len(same) - 1 for same in twice)
            notes.append(f"{one}: {count} images are there again: {second} is {first}, for one")
    for (one, names), (other, theirs) in combinations(named.items(), 2):
        both = [digest for digest in theirs if digest in names]
        if both:
            example = f"{theirs[both[0]][0]} is {names[both[0]][0]}"
            notes.append(f"{other}: {len(both)} images are in {one} too: {example}, for one")
    return notes


def _digests(paths: Iterable[Path]) -> dict[Path, str]:
    """The sha256 of each file that may be the same as another one's."""
    files = list(paths)
    alike: dict[tuple[int, int], list[Path]] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        for path, key in zip(files, threads.map(_key, files), strict=True):
            if key is not None:
                alike.setdefault(key, []).append(path)
    candidates = [path for same in alike.values() if len(same) > 1 for path in same]
    # a file that two sets list is one path: it is its own twin and need not be read
    digests = {path: str(path) for same in alike.values() for path in same if len(same) == 1}
    with ThreadPoolExecutor(THREADS) as threads:
        return digests | dict(zip(candidates, threads.map(_sha256, candidates), strict=True))


def _key(path: Path) -> tuple[int, int] | None:
    # size, and a checksum of the end
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return size, zlib.crc32(file.read())
    except OSError:
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
