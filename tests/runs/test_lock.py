"""One process per run, and the kernel's word for it."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gdsweep.runs import lock

HOLDER = """
import sys, time
from pathlib import Path
from gdsweep.runs import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not lock.is_held(path)
    with holder(path) as process:
        assert lock.is_held(path)
        with pytest.raises(lock.Held), lock.hold(path):
            pass
        process.kill()
        process.wait()
    assert not lock.is_held(path)
    with lock.hold(path):
        assert lock.is_held(path)
    assert not lock.is_held(path)


def test_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    got = threading.Event()

    def wait() -> None:
        with lock.hold(path, wait=True):
            got.set()

    with lock.hold(path):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.wait(0.1)
    thread.join(5)
    assert got.is_set()


def test_looking_does_not_hold(tmp_path: Path) -> None:
    """Somebody who only looks, as often as he can, never makes a trainer believe it is held."""
    path = tmp_path / "lock"
    path.touch()
    end = time.monotonic() + 0.5

    def look() -> None:
        while time.monotonic() < end:
            lock.is_held(path)
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    taken = 0
    while time.monotonic() < end:
        with lock.hold(path):
            taken += 1
    thread.join()
    assert taken > 10
