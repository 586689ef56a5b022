"""launch.py with hand-made graphs (JSON files) as its grids, and with the fake trainer."""

import functools
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import handmade  # noqa: E402

import gdsweep.cluster  # noqa: E402
from gdsweep.commands.entry import script  # noqa: E402
from gdsweep.plan.request import Request  # noqa: E402


def read_graphs(request: Request) -> object:
    """One graph of all files."""
    merged: dict[str, dict[str, object]] = {}
    for path in request.paths:
        merged.update(json.loads(path.read_text()))
    return handmade.make_graph(merged)


if __name__ == "__main__":
    Request.graph = property(read_graphs)  # type: ignore[assignment]
    Request.grids = property(lambda request: (handmade.Page(request.graph),))  # type: ignore[assignment]
    trainer = [sys.executable, str(HERE / "fake_trainer.py")]
    gdsweep.cluster.launch = functools.partial(gdsweep.cluster.launch, trainer=trainer)
    sys.exit(script("launch"))
