"""A disk that fills up while a run trains: one line, exit code 2, and a store that goes on."""

import os
import subprocess

import pytest
from tiny import ended, start

from gdsweep.errors import BAD_INPUT, DONE
from gdsweep.runs import Wanted, read_state, read_wanted
from gdsweep.train import checkpoint


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB at the store's place."""
    folder = tmp_path / "store"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_a_store_that_goes_on(small_disk, make_run):
    run = make_run("s", wanted=Wanted(stop=6))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"0" * 24_500_000)
    assert ended(start(run), 120) == BAD_INPUT, run.log.read_text()
    text = run.log.read_text()
    assert "Traceback" not in text
    assert "No space left on device" in text or "cannot write" in text
    assert not [p for p in run.checkpoints.iterdir() if p.suffix != ".json"]
    # the record of the failure may not have found room either: then the run reads as interrupted
    assert read_state(run, read_wanted(run)).status in ("failed", "interrupted")
    ballast.unlink()
    assert ended(start(run), 120) == DONE, run.log.read_text()
    assert checkpoint.load(run.state(6))["iteration"] == 6
    assert os.statvfs(small_disk).f_bavail > 0
