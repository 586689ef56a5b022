"""States that are not what was written: set aside, so that a run goes on from the one before."""

import logging
from pathlib import Path
from typing import Any

from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.runs import RunDir, reopen
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes

log = logging.getLogger(__name__)


class DamagedState(Exception):  # noqa: N818 - a state, not a fault
    """A state of the run's own is damaged; it is out of the way."""


def read_whole_state(
    run: RunDir, source: RunDir, path: Path, processes: Processes
) -> dict[str, Any]:
    """Read `source`'s state at `path` on every process of `run`; all meet here.

    Raises:
        DamagedState: it is the run's own and damaged, and was set aside.
        TrainingFailed: it is another run's and damaged, and was set aside to be made again.
        BadInput: it cannot be read for another reason.
    """
    state: dict[str, Any] = {}
    said = None
    try:
        state = checkpoint.load(path)
    except BadInput as error:
        said = str(error)
    said = next(filter(None, processes.gather(said)), None)
    if said is None:
        return state
    if not processes.from_first(processes.first and checkpoint.is_damaged(path)):
        raise BadInput(said)
    if processes.first:
        path.rename(path.with_name(f"{path.name}.damaged"))
        reopen(source, [int(path.stem.rpartition("-")[2])])
    processes.wait()
    if source is not run:
        raise TrainingFailed(
            f"{path}: damaged, and set aside; {source.name} has to make it again", "parent"
        )
    log.info("%s: damaged, and set aside; going on from the state before it", path.name)
    raise DamagedState
