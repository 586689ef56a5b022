"""A tiny run for tests: generated scenes, a two-layer Mask2Former, a dozen iterations."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch

from gdsweep.cluster.local.warm import WarmTrainer
from gdsweep.runs import RunDir, ScoreRef, read_config
from gdsweep.train.run import execute

TINY = {
    "dataset": {"name": "shapes", "format": "shapes", "train": 24, "val": 6, "test": 6},
    "labels": {"percent": 25, "seed": 0, "sampler": "uniform"},
    "augmentation": {
        "geometry": "resized-crop",
        "crop": (64, 64),
        "scale": (0.7, 1.0),
        "test_short_edge": None,
    },
    "model": {
        "backbone": "test_resnet",
        "weights": "random",
        "norm": "batch",
        "hidden": 32,
        "heads": 2,
        "queries": 6,
        "encoder_layers": 1,
        "encoder_feedforward": 32,
        "decoder_layers": 2,
        "decoder_feedforward": 32,
    },
    "loss": {"points": 64, "lambda_c": 6},
    "optimizer": {"lr": 1e-3, "clip_norm": 0.1, "precision": "fp32"},
    "schedule": {"iterations": 12, "kind": "poly"},
    "batch": {"labelled": 2, "unlabelled": 2},
    "distillation": {"alpha": 0.9, "alpha_c": 0.2, "alpha_s": 1},
    "evaluation": {"period": 4},
    "resources": {
        "gpus": 0,
        "cpus": 1,
        "workers": 0,
        "checkpoint_period": 3,
        "log_period": 1,
        "device": "cpu",
    },
}


def merged(base: dict, changes: dict) -> dict:
    """`base` with nested `changes`."""
    result = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = merged(base[key], value) if nested else value
    return result


FINAL = ScoreRef(at="final", network="student", split="test")
BEST = ScoreRef(at="best", network="student", split="test")


def train(run: RunDir, stop_after: int | None = None) -> bool:
    """Execute a run in this process; the `stop_after`th look for a signal finds one.

    It looks after every step, and before every batch of an evaluation.
    """
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return stop_after is not None and asked >= stop_after

    torch.set_num_threads(1)
    return execute(run, read_config(run), should_stop)


def start(run: RunDir, **environment: str) -> WarmTrainer:
    """Execute a run in a process of its own, forked as those of `--smoke` are."""
    return WarmTrainer(run, {**os.environ, "OMP_NUM_THREADS": "1", **environment})


def start_ranks(run: RunDir, processes: int) -> list[WarmTrainer]:
    """Execute a run in several processes that meet, as a SLURM job's do."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    meeting = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
    return [start(run, **meeting, **rank) for rank in ranks]


def torchrun(run: RunDir, processes: int) -> int:
    """Exit code of a run executed by torchrun, as a local launch does on several GPUs."""
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    with open(run.log, "ab") as log:
        return subprocess.run(
            [sys.executable, *several, "-m", "gdsweep.train", str(run.path)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=Path(__file__).parents[1],
            timeout=300,
        ).returncode


def ended(trainer: WarmTrainer, seconds: float = 300) -> int:
    """Exit code of a trainer, which ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while (code := trainer.poll()) is None:
        assert time.monotonic() < deadline, "the trainer does not end"
        time.sleep(0.02)
    return code


def same(first: object, second: object, path: str = "") -> None:
    """Demand equality bit for bit of two nested states."""
    assert type(first) is type(second), path
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), path
        for key in first:
            same(first[key], second[key], f"{path}/{key}")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), path
        for index, (a, b) in enumerate(zip(first, second, strict=True)):
            same(a, b, f"{path}/{index}")
    else:
        assert first == second, path
