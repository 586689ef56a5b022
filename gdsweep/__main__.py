"""`python -m gdsweep COMMAND`: the console command where nothing is installed."""

import sys

from gdsweep.commands.console import main

if __name__ == "__main__":
    sys.exit(main(called="python -m gdsweep {}"))
