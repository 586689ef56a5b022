"""The executor of this machine: trainer processes, as many at once as fit."""

from gdsweep.cluster.local.executor import LocalExecutor, Outcome

__all__ = ["LocalExecutor", "Outcome"]
