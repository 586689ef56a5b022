"""What every test shares: one thread (results depend on it), and real photographs if present."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from pathlib import Path

import pytest

for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        # inherited from `nohup` or a shell's `&`: what tests start would ignore them as well
        signal.signal(number, signal.SIG_DFL)

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What takes too long for every run of the suite."""
    parser.addoption(
        "--full-shapes", action="store_true", help="train grids/shapes.yaml itself, not in small"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def pennfudan() -> Path:
    """Penn-Fudan street photographs in COCO format; the test skips where they are absent."""
    folder = ROOT.parent / "shared" / "data" / "pennfudan"
    if not folder.is_dir():
        pytest.skip("the Penn-Fudan photographs are not beside this checkout")
    return folder
