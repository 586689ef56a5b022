"""Who runs it: the plan of a launch, and the executor of this machine.

Nothing here imports torch.
"""

from gdsweep.cluster.identity import differences
from gdsweep.cluster.launching import Options, launch
from gdsweep.cluster.local import LocalExecutor, Outcome
from gdsweep.plan.plan import Plan, PlannedRun, Source
from gdsweep.plan.plan_text import print_plan
from gdsweep.plan.planning import make_plan

__all__ = [
    "LocalExecutor",
    "Options",
    "Outcome",
    "Plan",
    "PlannedRun",
    "Source",
    "differences",
    "launch",
    "make_plan",
    "print_plan",
]
