"""`python -m gdsweep.interop convert` or `inspect`: as `gdsweep`, where nothing is installed."""

import sys
from collections.abc import Sequence

from gdsweep.commands.entry import console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; returns its exit code."""
    return console(arguments, called="python -m gdsweep.interop {}")


if __name__ == "__main__":
    sys.exit(main())
