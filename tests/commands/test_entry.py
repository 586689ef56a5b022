"""How every command ends."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands import COMMANDS
from gdsweep.commands.entry import console, exit_code, run, script
from gdsweep.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "pandas", "matplotlib", "numpy", "scipy", "timm", "pydantic", "yaml", "rich"}


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BadInput("a.yaml:3: no"), 2, "gdsweep x: a.yaml:3: no\n"),
        (PermissionError(13, "Permission denied", "/a"), 2, "gdsweep x: /a: Permission denied\n"),
        (OSError(28, "No space left on device"), 2, "gdsweep x: No space left on device\n"),
        (OSError("not whole"), 2, "gdsweep x: not whole\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_anybody_can_cause_is_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("gdsweep x", raising(error)) == code
    assert capsys.readouterr() == ("", line)


def test_what_only_we_can_cause_is_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code("gdsweep x", raising(ZeroDivisionError()))


@pytest.mark.parametrize("name", [*COMMANDS])
def test_ctrl_c_while_a_command_is_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(module: str) -> Any:
        assert module == f"gdsweep.commands.{name}"
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert console([name, "--help"]) == 130


def test_ctrl_c_that_an_import_turned_into_something_else() -> None:
    def importing() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy is not there") from None
        return 0

    before = signal.getsignal(signal.SIGINT)
    assert exit_code("gdsweep x", importing) == 130
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ImportError):
        exit_code("gdsweep x", raising(ImportError()))


@pytest.mark.parametrize("words", ["launch.py --help", "collect.py --help", "-m gdsweep --help"])
def test_who_reads_no_further_gets_no_traceback(words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # nobody reads what is printed
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, *words.split()],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("name", [*COMMANDS])
def test_help_is_instant(name: str) -> None:
    code = (
        "import sys\nfrom gdsweep.commands.entry import console\n"
        "try: console([sys.argv[1], '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    usage, _, modules = done.stdout.rpartition("MODULES")
    assert usage.startswith(f"usage: gdsweep {name} "), done.stderr
    assert not HEAVY & set(modules.split())


def test_a_command_is_called_as_its_user_calls_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["--strict"]) == 2
    assert console(["collect", "--strict"]) == 2
    assert run("collect", ["--strict"], called="python -m gdsweep {}") == 2
    line = ": --strict: it goes with --check"
    names = ("collect.py", "gdsweep collect", "python -m gdsweep collect")
    assert capsys.readouterr().err.splitlines() == [name + line for name in names]


@pytest.mark.parametrize(
    ("module", "words", "program"),
    [
        ("launch", ["--jobs", "0", "demo"], "launch.py"),
        ("collect", ["--strict"], "collect.py"),
        (
            "gdsweep.predict",
            ["x", "y", "--out", "z", "--threshold", "2"],
            "python -m gdsweep.predict",
        ),
        ("gdsweep.data.__main__", ["check", "none"], "python -m gdsweep.data"),
        ("gdsweep.interop.__main__", ["inspect", "none"], "python -m gdsweep.interop inspect"),
    ],
)
def test_every_way_to_a_command_without_installing(
    module: str, words: list[str], program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.import_module(module).main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{program}: ")
    assert error.count("\n") == 1
