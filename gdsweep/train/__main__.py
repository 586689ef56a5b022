"""`python -m gdsweep.train RUN_DIR`: execute one run from its directory alone."""

import argparse
import logging
import signal
import sys
from types import FrameType

from gdsweep.errors import BAD_INPUT, BUSY, DONE, FAILED, STOPPED, BadInput, TrainingFailed
from gdsweep.runs import RunDir, lock, read_config, read_state, read_wanted


def main() -> int:
    """Deliver what is wanted of a run. Exit codes: see gdsweep.errors."""
    stop = _StopFlag()
    parser = argparse.ArgumentParser(prog="python -m gdsweep.train", description=__doc__)
    parser.add_argument("run", help="run directory (a launch makes it)")
    run = RunDir(parser.parse_args().run)
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s] %(message)s",
        datefmt="%m/%d %H:%M:%S",
    )
    try:
        return _execute(run, stop)
    except (BadInput, TrainingFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        # a full or unwritable disk is the user's to put right, as bad input is
        theirs = isinstance(error, BadInput) or error.cause == "disk"
        return BAD_INPUT if theirs else FAILED
    finally:
        stop.ignore()


def _execute(run: RunDir, stop: "_StopFlag") -> int:
    config = read_config(run)
    if read_state(run, read_wanted(run)).status == "done":
        print(f"{run.name}: nothing is missing")
        return DONE
    # torch takes seconds to import: what can be refused is refused before
    from gdsweep.train.run import execute

    try:
        return DONE if execute(run, config, stop) else STOPPED
    except lock.Held:
        print(f"{run.name}: another process is running it", file=sys.stderr)
        return BUSY


class _StopFlag:
    """Set by a signal; the trainer looks at it in every step."""

    def __init__(self) -> None:
        self._set = False
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)
        for number in numbers:
            signal.signal(number, self._receive)
        # whoever started us may have held back what came before we could listen
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)

    def ignore(self) -> None:
        """Hear no more. Python drops its handlers as it ends: a late signal must not kill us."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._set = True

    def __call__(self) -> bool:
        return self._set


if __name__ == "__main__":
    sys.exit(main())
