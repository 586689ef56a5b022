"""The trainer's command, and what every executor puts into its environment."""

import sys

from gdsweep.config import ResourceSettings

TRAINER: tuple[str, ...] = (sys.executable, "-m", "gdsweep.train")
"""Command of the trainer; the run directory is added."""


def threads(resources: ResourceSettings) -> dict[str, str]:
    """The variables that give a trainer's process its threads."""
    return {
        "OMP_NUM_THREADS": str(resources.cpus),
        "MKL_NUM_THREADS": str(resources.cpus),
        # idle threads that spin take the cores of the run beside this one
        "OMP_WAIT_POLICY": "PASSIVE",
    }
