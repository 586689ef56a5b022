"""The rows of Table 4 as training trajectories: which runs a cell needs, and up to where."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gdsweep.config import CellSettings, CheckpointRef, MilestoneRef
from gdsweep.errors import BadInput
from gdsweep.grid.cell import Cell
from gdsweep.grid.trajectory import Trajectory, trajectory
from gdsweep.runs import ScoreRef, Wanted, settled
from gdsweep.runs.records import At

TAUGHT = ("guided", "fixed-teacher")
"""Methods with a pre-trained teacher: the supervised cell's own run."""

BURNED_IN = ("guided", "standard-burn-in")
"""Methods that change their objective after `distillation.burn_in` iterations."""


@dataclass(frozen=True)
class Need:
    """A run a cell needs, and what it needs from it."""

    trajectory: Trajectory
    wanted: Wanted


def needs(cell: Cell, path: Callable[..., Trajectory] = trajectory) -> tuple[list[Need], ScoreRef]:
    """The runs behind a cell, parents first, the scored one last; and its score.

    `path` is `trajectory`, or one that remembers what other cells have asked it.
    """
    settings = cell.settings
    before: list[Need] = []
    teacher: CheckpointRef | None = None
    if settings.method in TAUGHT and settings.distillation.teacher.init is None:
        assert cell.supervised is not None, "a taught cell carries its teacher's settings"
        supervised, teacher = _teacher(path("supervised", cell.supervised), settings)
        before.append(supervised)
    if settings.method == "supervised":
        last = path("supervised", settings)
    elif settings.method == "no-burn-in":
        last = path("self-distilled", settings)
    elif settings.method == "fixed-teacher":
        last = path("guided", settings, teacher=teacher)
    else:
        if settings.method == "guided":
            first = path("guided", settings, teacher=teacher)
        else:
            first = path("supervised", settings)
        burn_in = settings.distillation.burn_in
        before.append(Need(first, Wanted(stop=burn_in, milestones=(burn_in,))))
        parent = MilestoneRef(run=first.name, at=burn_in)
        last = path("self-distilled", settings, parent=parent)
    evaluation = settings.evaluation
    if settings.method != "supervised" and settings.distillation.fine_tune:
        student, reference = _checkpoint(last, evaluation.select, evaluation.network)
        before.append(student)
        settings = _fine_tuning(settings)
        last = path("supervised", settings, initial=reference)
    score = ScoreRef(at=evaluation.select, network=evaluation.network, split="test")
    score = score.with_metrics(cell.metrics)
    wanted = Wanted(
        stop=settings.schedule.iterations, best=evaluation.select == "best", scores=(score,)
    )
    return [*before, Need(last, wanted)], score


def evaluation_needs(cell: Cell) -> tuple[list[Need], ScoreRef]:
    """What a cell needs whose weights (`model.init`) are only scored: iteration 0, no training.

    It is the start of the supervised path from these weights, so training them later shares it.

    Raises:
        BadInput: the cell has no `model.init`.
    """
    if cell.settings.model.init is None:
        raise BadInput(f"model.init: cell {cell.label} has no trained weights to evaluate")
    score = ScoreRef(at=0, network="student", split="test").with_metrics(cell.metrics)
    return [Need(trajectory("supervised", cell.settings), Wanted(scores=(score,)))], score


def _teacher(run: Trajectory, settings: CellSettings) -> tuple[Need, CheckpointRef]:
    """The supervised run that teaches, and which of its checkpoints does."""
    teacher = settings.distillation.teacher
    return _checkpoint(run, teacher.at, teacher.network)


def _fine_tuning(settings: CellSettings) -> CellSettings:
    """Settings of the supervised stage that a student ends with: a schedule of its own."""
    distillation = settings.distillation
    schedule = settings.schedule.model_copy(update={"iterations": distillation.fine_tune})
    rate = distillation.fine_tune_lr or settings.optimizer.lr
    optimizer = settings.optimizer.model_copy(update={"lr": rate})
    return settings.model_copy(update={"schedule": schedule, "optimizer": optimizer})


def _checkpoint(
    run: Trajectory, which: At, network: Literal["student", "teacher"]
) -> tuple[Need, CheckpointRef]:
    """One network of a run that another run begins with, and that it is needed."""
    horizon = run.config.settings.schedule.iterations
    at = settled(which, horizon)
    reference = CheckpointRef(run=run.name, at=at, network=network)
    if at == "best":
        return Need(run, Wanted(stop=horizon, best=True)), reference
    return Need(run, Wanted(stop=at, milestones=(at,))), reference
