"""Rebuild tables and figures from whatever has finished: `python collect.py grids/demo.yaml`."""

import sys
from collections.abc import Sequence

from gdsweep.commands.entry import script


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect with these arguments, or the process' own; returns the exit code."""
    return script("collect", arguments)


if __name__ == "__main__":
    sys.exit(main())
