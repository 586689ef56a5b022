"""The exports of five labelling tools are trained on, as they are."""

import math

from exports import TOOLS
from tiny import TINY, train

from gdsweep.runs import Wanted, read_metrics


def test_every_export_is_trained_on(make_run, tmp_path, monkeypatch):
    for tool, write in TOOLS.items():
        name = tool.replace(" ", "-")
        sets = write(tmp_path / name)
        data = {"name": name, "format": "coco", "root": str(tmp_path / name), **sets}
        monkeypatch.setitem(TINY, "dataset", data)
        run = make_run(
            name,
            wanted=Wanted(stop=3, best=True),
            labels={"percent": 100},
            schedule={"iterations": 3},
            evaluation={"period": 3},
        )
        assert train(run), tool
        lines = read_metrics(run.metrics)
        assert all(math.isfinite(line["loss"]) for line in lines if "loss" in line), tool
        assert any(line.get("loss_mask", 0) > 0 for line in lines), (tool, lines)
        assert any("segm/AP" in line for line in lines), tool
