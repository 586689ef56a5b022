"""Trainers that begin warm: forked from a process that has imported torch, for `--smoke`.

A smoke run trains for a second and would import for five. What is forked is what a cold start
would have imported; its environment, its log and its end are those of any trainer (see `job`).
"""

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from gdsweep.runs import RunDir


class WarmTrainer:
    """The part of `subprocess.Popen` that jobs use, of a forked `python -m gdsweep.train RUN_DIR`.

    The first one starts the process that is forked, and waits until it has imported.
    """

    def __init__(self, directory: RunDir, environment: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["gdsweep.train.run", __name__])
        log = directory.log.resolve()
        run = str(directory.path.resolve())
        self._process = context.Process(target=_train, args=(run, log, dict(environment)))
        with _environment(environment):  # what is forked has to find this code, too
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal's; None while it runs."""
        return self._process.exitcode


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _train(run: str, log: Path, environment: dict[str, str]) -> None:
    """In the forked process: be the trainer."""
    from gdsweep.train import __main__ as trainer

    os.setsid()  # the terminal's Ctrl-C is not for it
    os.environ.clear()
    os.environ.update(environment)
    with open(log, "ab") as output, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv = [trainer.__file__, run]
    sys.exit(trainer.main())
