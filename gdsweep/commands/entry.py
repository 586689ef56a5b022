"""The way into every command and out of it, whoever calls it: one place for exit codes."""

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence

from gdsweep.errors import BAD_INPUT, BadInput


def script(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command as the checkout's script of that name: `python launch.py`."""
    return run(name, arguments, called="python {}.py")


def run(name: str, arguments: Sequence[str] | None, *, called: str) -> int:
    """Run the command of that name; returns its exit code.

    `arguments` None are those of the process; for `called` see `gdsweep.commands`.
    """
    words = called.format(name)
    program = words.removeprefix("python ") if words.endswith(".py") else words

    def command() -> int:
        # imported here: Ctrl-C meanwhile is an end like any other
        module = importlib.import_module(f"gdsweep.commands.{name}")
        call = argparse.Namespace(program=program, called=called)
        code: int = module.main(module.parser(program).parse_args(arguments, call))
        return code

    return exit_code(program, command)


def exit_code(program: str, command: Callable[[], int]) -> int:
    """Call a command, and turn what a user or the system can cause into an exit code.

    2 for bad input, told in one line on stderr; 128 and the signal's number after Ctrl-C and where
    nobody reads what is printed any more (`| head`), as a shell has it. A terminal that knows only
    ASCII gets question marks.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()  # here, where it can be told, and not at the interpreter's end
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except BadInput as error:
        print(f"{program}: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{program}: {where}{error.strerror or error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
