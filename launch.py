"""Train what the tables of some grids still lack: `python launch.py grids/demo.yaml`."""

import sys

from gdsweep.commands.entry import script

if __name__ == "__main__":
    sys.exit(script("launch"))
