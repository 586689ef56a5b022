"""`python -m gdsweep.data`: `gdsweep data` where nothing is installed."""

import sys

from gdsweep.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("data", None, called="python -m gdsweep.{}"))
