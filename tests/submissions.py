"""Records of submissions, written by hand."""

from typing import Any

from gdsweep.cluster.slurm.ledger import Submission


def submission(name: str, *runs: str, created: float = 1.0, **more: Any) -> Submission:
    """A submission of some runs; `more` are fields of its record."""
    return Submission(
        id=name, launch="l", created=created, user="me", grids=(), runs=runs, store="s", code="c",
        trainer=(), folder="f", minutes=10, signal_seconds=60, timeouts=3, restarts=2, **more,
    )  # fmt: skip
