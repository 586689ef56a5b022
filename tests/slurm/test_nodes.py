"""One run on several nodes: one task per GPU, one rendezvous, the global batch of one process."""

import os
import signal
import sys
from typing import Any

import pytest
import yaml

from gdsweep.runs import Store, read_metrics

ITERATIONS = 10
SETTINGS = {
    "model": {"norm": "frozen"},
    "schedule": {"iterations": ITERATIONS},
    "batch": {"labelled": 4, "unlabelled": 4},
}


LISTENER = """\
import socket, sys, time
server = socket.create_server(("", int(sys.argv[1])))
time.sleep(400)
"""


def take_port(cluster: Any) -> list[str]:
    """Setup lines of a job whose MASTER_PORT somebody listens on already."""
    program, taken = cluster.folder / "listener.py", cluster.folder / "taken"
    program.write_text(LISTENER)
    return [
        "export MASTER_PORT=$((20000 + SLURM_JOB_ID % 40000))",
        f"{sys.executable} {program} $MASTER_PORT > /dev/null 2>&1 &",
        "until (: < /dev/tcp/localhost/$MASTER_PORT) 2> /dev/null; do sleep 0.1; done",
        f"printf $MASTER_PORT > {taken}",
    ]


def losses(store: Store, run: str) -> list[dict[str, Any]]:
    """The lines of metrics.json."""
    return read_metrics(store.run(run).metrics)


def test_two_nodes_take_the_steps_of_one_accumulating_process(cluster: Any, tmp_path: Any) -> None:
    """Four tasks on two nodes, one rendezvous, even across a notice: all ranks stop at one step.

    The port that the job's environment names is taken: the processes meet on another.
    """
    nodes = {**SETTINGS, "resources": {"nodes": 2, "gpus": 2}}
    (cluster.folder / "profile.yaml").write_text(yaml.safe_dump({"setup": take_port(cluster)}))
    flags = ("--profile", "profile.yaml")
    ((run, job),) = cluster.submit(cluster.grid("nodes", settings=nodes), *flags).items()
    cluster.until_trained(run, 1)
    with cluster.frozen(run):
        cluster.slurm.command("scancel", "--signal=USR2", job, check=True)
    alone = cluster.grid("alone", settings={**SETTINGS, "batch": {**SETTINGS["batch"], "micro": 1}})
    local = cluster.local(alone, tmp_path / "local")
    assert cluster.wait([job]) == {job: "COMPLETED"}, cluster.log(run)
    first, second = cluster.attempts(run)
    assert first["outcome"] == "stopped"
    assert second["first_iteration"] == first["last_iteration"]
    assert second["process"]["processes"] == 4
    assert second["process"]["nodes"] == "n[1-2]"
    logs = sorted(path.name for path in cluster.store.run(run).path.glob("log.txt*"))
    assert logs == ["log.txt", "log.txt.rank1", "log.txt.rank2", "log.txt.rank3"]
    ours, theirs = losses(cluster.store, run), losses(local, run)
    assert [line["iteration"] for line in ours] == list(range(1, ITERATIONS + 1))
    for one, other in zip(ours, theirs, strict=True):
        for key in one:
            if "loss" in key:
                assert one[key] == pytest.approx(other[key], rel=1e-3), (one["iteration"], key)
    taken = (cluster.folder / "taken").read_text()
    met = [path.read_text().split() for path in cluster.store.root.rglob("rendezvous-*")]
    assert len(met) == 2, "once a start"
    assert all(port != taken for _, port in met)
    # the first step, before rounding has had time to grow
    assert ours[0]["total_loss"] == pytest.approx(theirs[0]["total_loss"], rel=1e-5)


def test_a_dead_rank_ends_the_job_and_tells_why(cluster: Any) -> None:
    settings = {**SETTINGS, "schedule": {"iterations": 4000}}
    settings["resources"] = {"nodes": 2, "gpus": 1}
    ((run, job),) = cluster.submit(cluster.grid(settings=settings)).items()
    cluster.until_trained(run, 2)
    os.kill(cluster.trainer(run, rank=1), signal.SIGKILL)
    assert cluster.wait([job]) == {job: "FAILED"}
    (attempt,) = cluster.attempts(run)
    assert (attempt["outcome"], attempt["cause"]) == ("failed", "memory")
    assert "killed by SIGKILL" in attempt["message"]
