"""The way into every command and out of it, whoever calls it: one place for exit codes.

What is imported here at the top is next to nothing: Ctrl-C is caught from the first moment on.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from gdsweep.commands import COMMANDS
from gdsweep.errors import BAD_INPUT, BadInput

INTERRUPTED, UNREAD = 130, 141
"""Exit codes after Ctrl-C, and where nobody reads what is printed any more (`| head`): as a shell
has them, 128 and the signal's number."""


def script(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command as the checkout's script of that name: `python launch.py`."""
    return run(name, arguments, called="python {}.py")


def console(arguments: Sequence[str] | None = None, called: str = "gdsweep {}") -> int:
    """Run the command that the first word names, as the console command does."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0] in COMMANDS:
        return run(words[0], words[1:], called=called)
    return run("console", words, called=called)


def run(name: str, arguments: Sequence[str] | None, *, called: str) -> int:
    """Run the command of that name; returns its exit code.

    `arguments` None are those of the process; for `called` see `gdsweep.commands`.
    """
    words = called.format("" if name == "console" else name).strip()
    program = words.removeprefix("python ") if words.endswith(".py") else words

    def command() -> int:
        import argparse
        import importlib

        module = importlib.import_module(f"gdsweep.commands.{name}")
        call = argparse.Namespace(program=program, called=called)
        code: int = module.main(module.parser(program).parse_args(arguments, call))
        return code

    return exit_code(program, command)


def exit_code(program: str, command: Callable[[], int]) -> int:
    """Call a command, and turn what a user or the system can cause into an exit code.

    Bad input is one line on stderr. A terminal that knows only ASCII gets question marks.
    """
    interrupts: list[int] = []
    try:
        import io

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        try:
            with _noting(interrupts):
                return command()
        finally:
            sys.stdout.flush()  # here an error can still be handled, at the end it cannot
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except BadInput as error:
        print(f"{program}: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{program}: {where}{error.strerror or error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        if interrupts:  # numpy and pandas make an ImportError of Ctrl-C
            return INTERRUPTED
        raise


@contextlib.contextmanager
def _noting(interrupts: list[int]) -> Iterator[None]:
    """Note each Ctrl-C, whatever becomes of the KeyboardInterrupt that it raises."""
    import signal

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
