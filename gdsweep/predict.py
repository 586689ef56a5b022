"""`python -m gdsweep.predict`: `gdsweep predict` where nothing is installed."""

import sys

from gdsweep.commands.entry import run

if __name__ == "__main__":
    sys.exit(run("predict", None, called="python -m gdsweep.{}"))
