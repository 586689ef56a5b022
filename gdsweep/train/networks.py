"""The networks of a run: the student, and the teacher its objective calls for."""

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from gdsweep.config import (
    CellSettings,
    CheckpointRef,
    ModelSettings,
    ResourceSettings,
    RunConfig,
)
from gdsweep.data.sampler import derived_seed
from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.interop.initial import load_initial
from gdsweep.model import Network, Operators, build_network
from gdsweep.model.operators import described
from gdsweep.runs import RunDir, checkpoint_file, read_config
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes
from gdsweep.train.ema import MovingAverage

log = logging.getLogger(__name__)

_VIT_WIDTH = 64
"""Channels of a head in every published ViT."""


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
    moving: MovingAverage | None = None
    """The teacher as the student's average; None for a fixed teacher or none."""

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

    Initial weights depend on the run's seed, `model.init` and `distillation.student_init` alone, or
    are those of another run, and are equal on every process.
    """
    settings = config.settings
    own = config.objective == "guided" and settings.distillation.student_init == "own"
    torch.manual_seed(derived_seed(settings.seed, "student") if own else settings.seed)
    model_settings = settings.model
    if config.parent or config.initial or model_settings.init is not None:
        # they are overwritten: do not ask for a download
        model_settings = model_settings.model_copy(update={"weights": "random"})
    resources = settings.resources
    student = _built(model_settings, len(classes), settings.resources, processes.device)
    if config.initial is not None:
        _load_trained(run, config.initial, student)
        log.info("initial weights are those of %s", config.initial.run)
    elif config.parent is None and model_settings.init is not None:
        _load_initial(student, model_settings.init, settings.model, classes)
    teacher, alpha, digest = None, None, None
    if config.objective == "guided":
        if config.teacher is not None:
            teacher, digest = _trained_teacher(run, config.teacher, student, config, len(classes))
        else:
            teacher = _frozen(student)
            digest = _load_others_teacher(config, classes, teacher)
    elif config.objective == "self-distilled":
        teacher, alpha = _frozen(student), settings.distillation.alpha
    elif settings.optimizer.average is not None:
        teacher, alpha = _frozen(student), settings.optimizer.average
    if resources.activation_checkpointing:
        student.checkpoint_activations()  # the teacher, copied before, is never differentiated
    if resources.compile:
        for network in (student, teacher):
            if network is not None:
                network.compile_backbone()
    moving = None
    if teacher is not None and alpha is not None:
        moving = MovingAverage(teacher, student)
    wrapped = _shared(student, processes)
    return Networks(student, wrapped, teacher, alpha, moving), digest


def operators_used(settings: CellSettings, device: torch.device, dtype: torch.dtype) -> str | None:
    """What computes a run's attention, in words; None for a network without any.

    Args:
        settings: of the run.
        device: of the network.
        dtype: what its products are computed in.

    Raises:
        BadInput: an operator that was asked for and cannot run.
    """
    model, resources = settings.model, settings.resources
    if model.architecture == "mask-rcnn":
        return None
    deformable = model.architecture == "mask2former"
    width = model.hidden // model.heads if deformable else _VIT_WIDTH
    query = torch.empty(0, width, device=device, dtype=dtype)
    operators = Operators(resources.attention, resources.deformable_attention)
    return described(operators, query, deformable)


def _shared(student: Network, processes: Processes) -> nn.Module:
    """The student as the other processes see it.

    `static_graph` stays off: with it four processes' second step was wrong by 0.6 % of the loss,
    where without it ten steps agree with one process' to 1e-7 (tests/slurm/test_nodes.py).
    """
    if processes.world == 1:
        return student
    cuda = processes.device.type == "cuda"
    return DistributedDataParallel(
        student,
        device_ids=[processes.device.index] if cuda else None,
        broadcast_buffers=False,
        gradient_as_bucket_view=True,
    )


def _built(
    model: ModelSettings, classes: int, resources: ResourceSettings, device: torch.device
) -> Network:
    operators = Operators(resources.attention, resources.deformable_attention)
    network = build_network(model, classes, operators).to(device)
    if resources.channels_last and device.type == "cuda":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


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


def _trained_teacher(
    run: RunDir, ref: CheckpointRef, student: Network, config: RunConfig, classes: int
) -> tuple[Network, str]:
    """The fixed teacher, as its own run has it, and its digest."""
    overwritten = {"weights": "random", "init": None}
    own = config.settings.model.model_copy(update=overwritten)
    model = read_config(run.sibling(ref.run)).settings.model.model_copy(update=overwritten)
    if model == own:
        teacher = _frozen(student)
    else:
        device = next(student.parameters()).device
        teacher = _built(model, classes, config.settings.resources, device)
        teacher = teacher.requires_grad_(False).eval()
        log.info("the teacher is a network of its own, %s", model.backbone)
    return teacher, _load_trained(run, ref, teacher)


def _load_trained(run: RunDir, ref: CheckpointRef, network: Network) -> str:
    """Give a network the weights that another run has trained; returns their digest."""
    parent = run.sibling(ref.run)
    horizon = read_config(parent).settings.schedule.iterations
    try:
        path = checkpoint_file(parent, ref.network, ref.at, horizon).path
    except (BadInput, FileNotFoundError) as error:
        raise TrainingFailed(f"no weights of {ref.run}: {error}", cause="parent") from None
    content = checkpoint.load(path)
    weights = content.get(ref.network)
    if weights is None:
        raise TrainingFailed(f"{path} holds no {ref.network} network", cause="parent")
    network.load_state_dict(weights)
    return checkpoint.digest(weights)
