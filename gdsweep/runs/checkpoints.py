"""Which file holds a checkpoint that somebody asks for, and which file says that it is there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gdsweep.errors import BadInput
from gdsweep.runs.layout import RunDir
from gdsweep.runs.records import At, Best


@dataclass(frozen=True)
class CheckpointFile:
    """A file that holds one network's weights, and perhaps more."""

    path: Path
    iteration: int
    """Optimisation steps of the whole path that made them."""


def settled(at: At, horizon: int) -> int | Literal["best"]:
    """`at` with `final` as the iteration it means: the last of a schedule of `horizon` steps."""
    return horizon if at == "final" else at


def checkpoint_file(run: RunDir, network: str, at: At, horizon: int) -> CheckpointFile:
    """The file of a checkpoint, whether or not it is there; `best` of one network is its own file.

    Raises:
        FileNotFoundError: `best` of a run that has not reached its horizon.
        BadInput: `best` of a network without a validation score, or a damaged record.
    """
    place = settled(at, horizon)
    if place != "best":
        return CheckpointFile(run.state(place), place)
    best = read_best(run)
    if network not in best:
        have = ", ".join(best) or "none"
        raise BadInput(f"{run.path}: it has no scored {network}; it has: {have}")
    return CheckpointFile(run.checkpoint(best[network].file), best[network].iteration)


def newest_checkpoint(run: RunDir, network: str) -> CheckpointFile:
    """What a run has to give where nobody says which: its best checkpoint, or the newest state.

    Raises:
        BadInput: it has none yet, or no such network with a validation score.
    """
    if run.best.exists():
        return checkpoint_file(run, network, "best", 0)
    states = run.states()
    if not states:
        raise BadInput(f"{run.path}: it has no checkpoint yet")
    return CheckpointFile(run.state(states[-1]), states[-1])


def sign_of(run: RunDir, at: int | Literal["best"]) -> Path:
    """The file whose presence says that a checkpoint can be used.

    An iteration's complete state; of the best one best.json, which is written once it is settled.
    """
    return run.best if at == "best" else run.state(at)


def read_best(run: RunDir) -> dict[str, Best]:
    """The best checkpoint per network of a run that has reached its horizon.

    Raises FileNotFoundError before it has, BadInput for a damaged record.
    """
    content = run.best.read_bytes()
    try:
        found = json.loads(content)
        return {network: Best.model_validate(entry) for network, entry in found.items()}
    except (ValueError, AttributeError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(
            f"{run.best}: damaged ({first}); remove the whole run directory to train it again"
        ) from None
