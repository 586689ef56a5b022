"""What exists: run directories, their records, and the state they are in.

The only room that knows file names. Nothing here imports torch.
"""

from gdsweep.runs.layout import RunDir
from gdsweep.runs.metrics import read_metrics
from gdsweep.runs.records import Attempt, Best, Complexity, Missing, Score, ScoreRef, Wanted
from gdsweep.runs.state import RunState, missing, read_best, read_state
from gdsweep.runs.store import Store, read_config, read_wanted

__all__ = [
    "Attempt",
    "Best",
    "Complexity",
    "Missing",
    "RunDir",
    "RunState",
    "Score",
    "ScoreRef",
    "Store",
    "Wanted",
    "missing",
    "read_best",
    "read_config",
    "read_metrics",
    "read_state",
    "read_wanted",
]
