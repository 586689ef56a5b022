"""Train what the tables of some grids still lack: `python launch.py grids/demo.yaml`."""

import sys
from collections.abc import Sequence

from gdsweep.commands.entry import script


def main(arguments: Sequence[str] | None = None) -> int:
    """Launch with these arguments, or the process' own; returns the exit code."""
    return script("launch", arguments)


if __name__ == "__main__":
    sys.exit(main())
