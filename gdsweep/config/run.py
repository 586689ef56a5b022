"""All settings of one cell, and of the one run a trainer executes."""

from typing import Literal, get_args

from pydantic import Field

from gdsweep.config.base import Settings
from gdsweep.config.data import AugmentationSettings, LabelSettings
from gdsweep.config.formats import DataSettings
from gdsweep.config.model import LossSettings, ModelSettings
from gdsweep.config.training import (
    BatchSettings,
    DistillationSettings,
    EvaluationSettings,
    OptimizerSettings,
    ResourceSettings,
    ScheduleSettings,
)

Method = Literal["supervised", "guided", "fixed-teacher", "standard-burn-in", "no-burn-in"]
"""A row of Table 4. `supervised`: labels only. `guided`: the paper's, a burn-in under a fixed
teacher, then self-distillation. `fixed-teacher`: the teacher never moves (Noisy Boundaries).
`standard-burn-in`: a supervised burn-in, then self-distillation (Polite Teacher).
`no-burn-in`: self-distillation from the first iteration."""

METHODS: tuple[str, ...] = get_args(Method)

Objective = Literal["supervised", "guided", "self-distilled"]
"""What one optimisation path minimises: L_s (eq. 2) alone; eq. (4) under a fixed teacher; eq. (4)
under a teacher that is the student's moving average (eq. 5)."""


class CellSettings(Settings):
    """Everything one cell of a table needs, resolved: defaults, presets, grid, axes, rules."""

    method: Method = "guided"
    """How unlabelled images are used; a row of Table 4."""
    seed: int = Field(0, ge=0)
    """Seed of initial weights, sampling and, unless `labels.seed` says otherwise, label split."""
    variant: str = ""
    """An axis of free names, for cells that several settings tell apart: rules ask for it
    (`when: {variant: longer}`). It changes nothing itself and is no part of an identity."""
    dataset: DataSettings
    """The data set."""
    labels: LabelSettings = LabelSettings()
    """Which training images keep their labels."""
    augmentation: AugmentationSettings = AugmentationSettings()
    """Weak and strong views."""
    model: ModelSettings = ModelSettings()
    """Mask2Former."""
    loss: LossSettings = LossSettings()
    """Eq. (1)."""
    optimizer: OptimizerSettings = OptimizerSettings()
    """AdamW."""
    schedule: ScheduleSettings = ScheduleSettings()
    """Learning rate and horizon."""
    batch: BatchSettings = BatchSettings()
    """Images per step."""
    distillation: DistillationSettings = DistillationSettings()
    """Teacher and student."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """Scoring."""
    resources: ResourceSettings = ResourceSettings()
    """Where it executes; no part of an identity."""


class MilestoneRef(Settings):
    """A complete training state of another run, to continue from."""

    run: str
    """Directory name of the run, beside this run's."""
    at: int = Field(ge=0)
    """Iteration of the state."""


class CheckpointRef(Settings):
    """Weights of another run, to be taught by."""

    run: str
    """Directory name of the run, beside this run's."""
    at: int | Literal["best", "final"]
    """Which checkpoint."""
    network: Literal["student", "teacher"] = "student"
    """Which of its networks."""


class RunConfig(Settings):
    """`config.yaml` of a run directory: all that a trainer is told."""

    run: str
    """The run's directory name: readable part and hash of its identity."""
    objective: Objective
    """What the path minimises."""
    parent: MilestoneRef | None = None
    """State to continue from; None starts from initial weights."""
    teacher: CheckpointRef | None = None
    """The fixed teacher of a guided path."""
    initial: CheckpointRef | None = None
    """Trained weights of another run that the network starts from at iteration 0; None starts from
    those that the settings name."""
    settings: CellSettings
    """Resolved settings; what the objective does not use stands at its default."""
