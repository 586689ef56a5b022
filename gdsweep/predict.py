"""`python -m gdsweep.predict`: `gdsweep predict` where nothing is installed."""

import sys
from collections.abc import Sequence

from gdsweep.commands.entry import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `gdsweep predict` with these arguments, or the process' own; returns its exit code."""
    return run("predict", arguments, called="python -m gdsweep.{}")


if __name__ == "__main__":
    sys.exit(main())
