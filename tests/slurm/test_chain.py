"""Chains of runs: a failed teacher blocks its students and nobody else; a retry repairs them."""

import json
import shutil
from typing import Any

from test_line import TOYS

from gdsweep.data.miniature import write_coco


def toys(cluster: Any) -> Any:
    """A grid on photographs that are damaged, and whose repair is the user's to make."""
    data = cluster.folder / "data"
    write_coco(data)
    shutil.copytree(data / "train2017", cluster.folder / "whole")
    for path in (data / "train2017").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:600])
    return cluster.grid(
        methods=["supervised", "guided"],
        settings={"augmentation": {"crop": [64, 64], "test_short_edge": 64}},
        axes={"dataset": ["toys"], "labels": [100], "method": ["supervised", "guided"]},
        datasets=TOYS,
    )


def test_a_failed_teacher_blocks_its_students_until_a_retry(cluster: Any) -> None:
    grid = toys(cluster)
    jobs = cluster.submit(grid)
    teacher, guided, student = jobs
    states = cluster.wait(jobs)
    assert states[jobs[teacher]] == "FAILED"
    assert {states[jobs[guided]], states[jobs[student]]} == {"CANCELLED"}
    assert cluster.attempts(guided) == []
    shown = cluster.launch(grid, "--status").stdout
    assert "failed" in shown
    assert "blocked" in shown
    assert f"failed: {teacher}, see" in shown
    assert ".jpg" in shown
    plain = cluster.launch(grid, "--yes", code=1).stdout
    assert "--retry starts 1 failed again with 2 blocked behind" in plain
    shutil.rmtree(cluster.folder / "data" / "train2017")
    shutil.move(cluster.folder / "whole", cluster.folder / "data" / "train2017")
    again = cluster.submit(grid, "--retry")
    assert list(again) == [teacher, guided, student]
    assert set(cluster.wait(again).values()) == {"COMPLETED"}, cluster.log(student)
    state = json.loads(cluster.launch(grid, "--status", "--json").stdout)
    assert (state["done"], state["cells"]) == (2, 2)
    assert [len(cluster.attempts(run)) for run in again] == [2, 1, 1]
