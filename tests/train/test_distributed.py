"""How the processes of one run meet."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gdsweep.errors import TrainingFailed
from gdsweep.train.distributed import _meet


def test_a_port_that_is_taken_is_nobodys_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process takes whatever is free, and the others read which."""
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    place, patience = tmp_path / "rendezvous", timedelta(seconds=20)
    with socket.create_server(("", 0)) as taken, ThreadPoolExecutor(1) as other:
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        second = other.submit(_meet, place, 1, 2, patience)
        first = _meet(place, 0, 2, patience)
        first.set("word", "heard")
        assert second.result().get("word") == b"heard"
        assert str(taken.getsockname()[1]) not in place.read_text().split()


def test_a_first_process_that_does_not_come_is_waited_for_no_longer_than_said(
    tmp_path: Path,
) -> None:
    with pytest.raises(TrainingFailed, match="the first process did not come"):
        _meet(tmp_path / "rendezvous", 1, 2, timedelta(seconds=0.3))
