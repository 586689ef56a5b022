"""The networks of a run: the student, and the teacher its objective calls for."""

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gdsweep.config import CheckpointRef, ModelSettings, RunConfig
from gdsweep.data.sampler import derived_seed
from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.interop.initial import load_initial
from gdsweep.model import Network, Operators, build_network
from gdsweep.runs import RunDir, checkpoint_file, read_config
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes

log = logging.getLogger(__name__)


@dataclass
class Networks:
    """Student and teacher. Table 1: who teaches, and whether the teacher moves."""

    student: Network
    """The network that is optimised."""
    wrapped: nn.Module
    """The student as the other processes see it (DistributedDataParallel), or itself."""
    teacher: Network | None
    """Labels the unlabelled images, or is merely the average of a supervised student."""
    alpha: float | None
    """Decay of the teacher's average (eq. 5); None for a fixed teacher or none."""

    @property
    def averaged(self) -> dict[str, Network]:
        """The networks worth scoring: a fixed teacher's scores are its own run's."""
        if self.teacher is None or self.alpha is None:
            return {"student": self.student}
        return {"student": self.student, "teacher": self.teacher}


def build_networks(
    run: RunDir, config: RunConfig, classes: Sequence[str], processes: Processes
) -> tuple[Networks, str | None]:
    """Networks at iteration 0 of the path; returns the fixed teacher's digest beside them.

    Initial weights depend on the run's seed, `model.init` and `distillation.student_init` alone,
    and are equal on every process.
    """
    settings = config.settings
    own = config.objective == "guided" and settings.distillation.student_init == "own"
    torch.manual_seed(derived_seed(settings.seed, "student") if own else settings.seed)
    model_settings = settings.model
    if config.parent is not None or model_settings.init is not None:
        # they are overwritten: do not ask for a download
        model_settings = model_settings.model_copy(update={"weights": "random"})
    resources = settings.resources
    operators = Operators(resources.attention, resources.deformable_attention)
    student = build_network(model_settings, len(classes), operators).to(processes.device)
    if config.parent is None and model_settings.init is not None:
        _load_initial(student, model_settings.init, settings.model, classes)
    teacher, alpha, digest = None, None, None
    if config.objective == "guided":
        teacher = _frozen(student)
        if config.teacher is not None:
            digest = _load_teacher(run, config.teacher, teacher)
        else:
            digest = _load_others_teacher(config, classes, teacher)
    elif config.objective == "self-distilled":
        teacher, alpha = _frozen(student), settings.distillation.alpha
    elif settings.optimizer.average is not None:
        teacher, alpha = _frozen(student), settings.optimizer.average
    if settings.resources.activation_checkpointing:
        student.checkpoint_activations()  # the teacher, copied before, is never differentiated
    wrapped: nn.Module = student
    if processes.world > 1:
        cuda = processes.device.type == "cuda"
        wrapped = DistributedDataParallel(
            student,
            device_ids=[processes.device.index] if cuda else None,
            broadcast_buffers=False,
        )
    return Networks(student, wrapped, teacher, alpha), digest


def _frozen(model: Network) -> Network:
    teacher = copy.deepcopy(model)
    return teacher.requires_grad_(False).eval()


def _load_initial(
    student: Network, path: str, settings: ModelSettings, classes: Sequence[str]
) -> None:
    note = load_initial(student, path, settings, classes)
    log.info("initial weights from %s%s", path, f"; {note}" if note else "")


def _load_others_teacher(config: RunConfig, classes: Sequence[str], teacher: Network) -> str:
    settings = config.settings.distillation.teacher
    assert settings.init is not None
    assert teacher.teachable, "planning refuses others"
    network = "teacher" if settings.network == "teacher" else None
    note = load_initial(teacher, settings.init, config.settings.model, classes, network)
    if note is not None:
        raise BadInput(f"distillation.teacher.init: {settings.init} cannot teach: {note}")
    return checkpoint.digest(teacher.state_dict())


def _load_teacher(run: RunDir, ref: CheckpointRef, teacher: Network) -> str:
    parent = run.sibling(ref.run)
    horizon = read_config(parent).settings.schedule.iterations
    try:
        path = checkpoint_file(parent, ref.network, ref.at, horizon).path
    except BadInput as error:
        raise TrainingFailed(f"no teacher: {error}", cause="parent") from None
    content = checkpoint.load(path)
    weights = content.get(ref.network)
    if weights is None:
        raise TrainingFailed(f"{path} holds no {ref.network} network", cause="parent")
    teacher.load_state_dict(weights)
    return checkpoint.digest(weights)
