"""`python -m gdsweep COMMAND`: the console command where nothing is installed."""

import sys

from gdsweep.commands.entry import console

if __name__ == "__main__":
    sys.exit(console(called="python -m gdsweep {}"))
