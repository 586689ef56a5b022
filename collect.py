"""Rebuild tables and figures from whatever has finished: `python collect.py grids/demo.yaml`."""

import sys

from gdsweep.commands.entry import script

if __name__ == "__main__":
    sys.exit(script("collect"))
