"""The networks of a run: the student, and the teacher its objective calls for."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gdsweep.config import CheckpointRef, RunConfig
from gdsweep.errors import TrainingFailed
from gdsweep.model import Mask2Former
from gdsweep.runs import RunDir, read_best, read_config
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes


@dataclass
class Networks:
    """Student and teacher. Table 1: who teaches, and whether the teacher moves."""

    student: Mask2Former
    """The network that is optimised."""
    wrapped: nn.Module
    """The student as the other processes see it (DistributedDataParallel), or itself."""
    teacher: Mask2Former | None
    """Labels the unlabelled images, or is merely the average of a supervised student."""
    alpha: float | None
    """Decay of the teacher's average (eq. 5); None for a fixed teacher or none."""

    @property
    def averaged(self) -> dict[str, Mask2Former]:
        """The networks worth scoring: a fixed teacher's scores are its own run's."""
        if self.teacher is None or self.alpha is None:
            return {"student": self.student}
        return {"student": self.student, "teacher": self.teacher}


def build_networks(
    run: RunDir, config: RunConfig, classes: int, processes: Processes
) -> tuple[Networks, str | None]:
    """Networks at iteration 0 of the path; returns the fixed teacher's digest beside them.

    Initial weights depend on the run's seed alone and are equal on every process.
    """
    settings = config.settings
    torch.manual_seed(settings.seed)
    model_settings = settings.model
    if config.parent is not None:
        # the parent's state overwrites them: do not ask for a download
        model_settings = model_settings.model_copy(update={"weights": "random"})
    attention = settings.resources.attention
    student = Mask2Former(model_settings, classes, attention).to(processes.device)
    teacher, alpha, digest = None, None, None
    if config.objective == "guided":
        assert config.teacher is not None
        teacher = _frozen(student)
        digest = _load_teacher(run, config.teacher, teacher)
    elif config.objective == "self-distilled":
        teacher, alpha = _frozen(student), settings.distillation.alpha
    elif settings.optimizer.average is not None:
        teacher, alpha = _frozen(student), settings.optimizer.average
    wrapped: nn.Module = student
    if processes.world > 1:
        cuda = processes.device.type == "cuda"
        wrapped = DistributedDataParallel(
            student,
            device_ids=[processes.device.index] if cuda else None,
            broadcast_buffers=False,
        )
    return Networks(student, wrapped, teacher, alpha), digest


def _frozen(model: Mask2Former) -> Mask2Former:
    teacher = copy.deepcopy(model)
    return teacher.requires_grad_(False).eval()


def _load_teacher(run: RunDir, ref: CheckpointRef, teacher: Mask2Former) -> str:
    parent = run.sibling(ref.run)
    if ref.at == "best":
        best = read_best(parent)
        if ref.network not in best:
            raise TrainingFailed(
                f"the teacher's run {ref.run} has no scored {ref.network}", cause="parent"
            )
        path = parent.checkpoints / best[ref.network].file
    else:
        horizon = read_config(parent).settings.schedule.iterations
        path = parent.state(horizon if ref.at == "final" else int(ref.at))
    content = checkpoint.load(path)
    weights = content.get(ref.network)
    if weights is None:
        raise TrainingFailed(f"{path} holds no {ref.network} network", cause="parent")
    teacher.load_state_dict(weights)
    return checkpoint.digest(weights)
