"""One process per run: an advisory lock that the kernel drops with its holder, however it dies.

This is flock(2) in 40 lines and not the package `filelock`, which takes the same lock: plans and
statuses look at the locks of hundreds of runs and must see who is running without taking anything.
A look here is a shared lock held for an instant, which looks grant one another; filelock's only
look is to acquire exclusively, so that looks and starting trainers would refuse one another.

On NFS (Linux 2.6.12 or newer) flock is a byte-range lock that the server keeps, so it holds between
nodes; the file is opened for writing because an exclusive lock demands it there. A mount with
`local_lock=flock` or `nolock` shares no lock, and two nodes could train one run.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path


class Held(Exception):  # noqa: N818 - a state, not a fault
    """Another process holds the lock."""


@contextlib.contextmanager
def hold(path: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `path` (made if absent) for the block.

    Raises Held at once when another process has it, unless `wait`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, tries: int = 5) -> None:
    # somebody's look at the lock (is_held) holds it for an instant: that is no holder
    for attempt in range(tries):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if attempt + 1 == tries:
                raise Held(str(path)) from None
            time.sleep(0.02)


def give_sign(path: Path) -> None:
    """Say that the holder of the lock still works: the file's time of change is its last sign."""
    os.utime(path)


def last_sign(path: Path) -> float | None:
    """Unix time at which the holder last gave a sign of life; None where there is no lock file."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file; False where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # a shared lock is refused only while somebody holds the exclusive one
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
