"""The console command before its command: help, version, shell completion."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gdsweep import __version__
from gdsweep.commands import COMMANDS
from gdsweep.commands.completion import completion
from gdsweep.commands.console import whole_parser
from gdsweep.commands.entry import console


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "gdsweep: error: the following arguments are required: COMMAND"),
        (["lanch"], "gdsweep: error: argument COMMAND: invalid choice: 'lanch' (choose from"),
        (["--lanch", "launch"], "gdsweep: error: unrecognized arguments: --lanch"),
    ],
)
def test_what_is_no_command_is_a_usage_error(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        console(words)
    assert capsys.readouterr().err.splitlines()[-1].startswith(line)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        console(["--help"])
    told = capsys.readouterr().out
    assert all(f"    {name} " in told for name in COMMANDS)
    with pytest.raises(SystemExit, match="0"):
        console(["--version"])
    assert capsys.readouterr().out == f"gdsweep {__version__}\n"


@pytest.fixture(scope="module")
def bash_completion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "gdsweep.bash"
    path.write_text(completion(whole_parser(), "bash"))
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gdsweep co", {"collect", "convert"}),
        ("gdsweep launch table", {f"table{number}" for number in range(3, 8)}),
        ("gdsweep launch demo.yaml --ev", {"--eval-only"}),
        ("gdsweep collect table3 dem", {"demo"}),
        ("gdsweep data che", {"check"}),
        ("gdsweep data check dem", {"demo"}),
        ("gdsweep launch demo --store gri", {"grids"}),
    ],
)
def test_bash_completes(bash_completion: Path, line: str, words: set[str], tmp_path: Path) -> None:
    if not shutil.which("bash"):
        pytest.skip("bash is not on the PATH")
    (tmp_path / "grids").mkdir()
    script = (
        f"source {bash_completion}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        "_shtab_gdsweep; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert set(done.stdout.split()) == words


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        console(["--print-completion", shell])
    told = capsys.readouterr().out
    assert all(name in told for name in COMMANDS)
