"""Who runs it: launching a plan, and looking after what was launched.

Nothing here imports torch.
"""

from gdsweep.cluster.executor import EXECUTORS, Executor, Options, Outcome, open_executor
from gdsweep.cluster.launching import launch

__all__ = [
    "EXECUTORS",
    "Executor",
    "Options",
    "Outcome",
    "launch",
    "open_executor",
]
