"""launch.py with hand-made graphs (JSON files) as its grids, and with the fake trainer."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import handmade  # noqa: E402

import gdsweep.cluster.identity  # noqa: E402
import gdsweep.cluster.launching  # noqa: E402
import launch  # noqa: E402


def read_graphs(paths: Sequence[Path], smoke: Path | None, eval_only: bool = False) -> object:
    """One graph of all files."""
    merged: dict[str, dict[str, object]] = {}
    for path in paths:
        merged.update(json.loads(path.read_text()))
    return handmade.make_graph(merged)


if __name__ == "__main__":
    gdsweep.cluster.launching.read_grids = read_graphs
    gdsweep.cluster.identity.read_grids = read_graphs
    sys.exit(launch.main(trainer=[sys.executable, str(HERE / "fake_trainer.py")]))
