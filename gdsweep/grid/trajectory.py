"""One optimisation path: what identifies it, its name, and its trainer's configuration."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gdsweep.config import (
    ARCHITECTURES,
    AugmentationSettings,
    BatchSettings,
    CellSettings,
    CheckpointRef,
    DataFormat,
    DistillationSettings,
    EvaluationSettings,
    LabelSettings,
    LossSettings,
    Method,
    MilestoneRef,
    ModelSettings,
    Objective,
    OptimizerSettings,
    RunConfig,
    ScheduleSettings,
    Settings,
    TeacherSettings,
    read_label_list,
)
from gdsweep.grid.given_weights import GivenWeights, given_weights
from gdsweep.runs import run_name
from gdsweep.runs.records import At

IDENTITY_VERSION = 3
"""Raised when the trainer changes what the same settings give. A run keeps the version in which
what it uses was last changed (see `_version`), so that nothing else is trained anew."""
BY_CONTENT = 3
"""Version since which every file of weights is told by its content."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path that is trained once, whoever gets off where."""

    config: RunConfig
    """What the trainer is told."""
    identity: dict[str, Any]
    """Exactly what can change the weights that the run hands on; the name ends in its hash."""

    @property
    def name(self) -> str:
        """Directory name: readable part and hash."""
        return self.config.run

    @property
    def depends(self) -> tuple[tuple[str, At], ...]:
        """Runs it starts from or is taught by, each with the iteration (or `best`) it needs."""
        found = (self.config.parent, self.config.teacher, self.config.initial)
        return tuple((ref.run, ref.at) for ref in found if ref is not None)

    @property
    def start(self) -> int:
        """Iteration from which it is trained: the parent's, or 0."""
        return self.config.parent.at if self.config.parent else 0


def trajectory(
    objective: Objective,
    settings: CellSettings,
    parent: MilestoneRef | None = None,
    teacher: CheckpointRef | None = None,
    initial: CheckpointRef | None = None,
) -> Trajectory:
    """The path that minimises `objective` under `settings`."""
    used = essential(settings, objective)
    given = given_weights(used, objective)
    identity: dict[str, Any] = {
        "version": _version(used, given),
        "objective": objective,
        "parent": parent and parent.model_dump(),
        "teacher": teacher and teacher.model_dump(),
        **({} if initial is None else {"initial": initial.model_dump()}),
        **_identity(used, objective, given),
    }
    name = run_name(_readable(used, objective), identity)
    config = RunConfig.model_construct(
        run=name,
        objective=objective,
        parent=parent,
        teacher=teacher,
        initial=initial,
        settings=used,
    )
    return Trajectory(config, identity)


def _version(used: CellSettings, given: list[GivenWeights]) -> int:
    """Version in which what a run uses was last changed: in its weights, or in how it is told.

    BY_CONTENT: a file of backbone weights and a run directory of initial weights are told by the
    weights' content; before by the file's path, and by the run's logs too.
    """
    return BY_CONTENT if any(weights.once_by_place for weights in given) else trained_version(used)


def trained_version(used: CellSettings) -> int:
    """Version of the trainer since which these essential settings give the same weights.

    2: a mirrored window of `scale-jitter` is that of the mirrored image.
    """
    views = used.augmentation
    return 2 if views.geometry == "scale-jitter" and views.flip > 0 else 1


def _readable(settings: CellSettings, objective: Objective) -> str:
    backbone = settings.model.backbone.rsplit("/")[-1].split(".")[0]
    percent = f"{settings.labels.percent:.10g}pct"
    words = f"{settings.dataset.name}-{percent}-{backbone}-{objective}-s{settings.seed}"
    return re.sub(r"[^A-Za-z0-9_.-]", "_", words)


_METHOD: dict[Objective, Method] = {
    "supervised": "supervised",
    "guided": "guided",
    "self-distilled": "guided",
}


def essential(settings: CellSettings, objective: Objective) -> CellSettings:
    """`settings` with everything that `objective` does not use at its default.

    So cells that share a run give it the same settings (its resources and paths apart).
    """
    return settings.model_copy(
        update={
            "method": _METHOD[objective],
            "variant": "",
            "labels": _labels(
                settings.labels, settings.seed, objective, settings.dataset.has_extra
            ),
            "augmentation": _augmentation(settings.augmentation, objective),
            "model": _model(settings.model, _halves(settings, objective)),
            "loss": _loss(settings, objective),
            "optimizer": _optimizer(settings.optimizer, objective),
            "schedule": _schedule(settings.schedule),
            "batch": _batch(settings.batch, settings.model.norm == "frozen", objective),
            "distillation": _distillation(settings.distillation, objective),
            "evaluation": _evaluation(settings.evaluation, objective),
        }
    )


def _reset(settings: Settings, *names: str) -> Any:
    """A copy with these fields at their defaults."""
    fields = type(settings).model_fields
    return settings.model_copy(update={name: fields[name].get_default() for name in names})


@lru_cache(maxsize=65536)
def _labels(labels: LabelSettings, seed: int, objective: Objective, extra: bool) -> LabelSettings:
    sampler = labels.sampler
    if sampler == "auto":
        sampler = "uniform" if objective == "supervised" else "repeat-factor"
    update = {"sampler": sampler, "seed": seed if labels.seed is None else labels.seed}
    unused = [] if sampler == "repeat-factor" else ["repeat_threshold"]
    if objective == "supervised":
        unused.append("pool")
    if objective == "supervised" or not extra:
        unused.append("extra")
    if labels.percent == 100:
        unused.append("file")  # there is nothing to choose
    resolved: LabelSettings = _reset(labels, *unused).model_copy(update=update)
    return resolved


@lru_cache(maxsize=4096)
def _augmentation(views: AugmentationSettings, objective: Objective) -> AugmentationSettings:
    unused = ["scale"] if views.geometry == "edge-crop" else ["short_edges", "max_edge"]
    if objective == "supervised" and views.labelled_strong == 0:
        unused.append("strong")
    if views.test_short_edge is None:
        unused.append("test_max_edge")
    used: AugmentationSettings = _reset(views, *unused)
    return used


def _loss(settings: CellSettings, objective: Objective) -> LossSettings:
    # no group is empty
    images = settings.batch.labelled
    if objective != "supervised":
        images = max(images, settings.batch.unlabelled)
    groups = min(settings.loss.groups, images)
    if ARCHITECTURES[settings.model.architecture].boxes:
        groups = 1
    return _with_groups(settings.loss, groups)


@lru_cache(maxsize=4096)
def _with_groups(loss: LossSettings, groups: int) -> LossSettings:
    used: LossSettings = loss.model_copy(update={"groups": groups})
    return used


def _halves(settings: CellSettings, objective: Objective) -> bool:
    """Whether anything is computed in half precision."""
    precisions = {settings.optimizer.precision}
    if objective != "supervised":
        precisions.add(settings.distillation.teacher_precision)
    return precisions != {"fp32"}


@lru_cache(maxsize=4096)
def _model(model: ModelSettings, halves: bool) -> ModelSettings:
    unused = set(ARCHITECTURES[model.architecture].unused)
    if not halves:
        unused.add("pixel_decoder_precision")
    used: ModelSettings = _reset(model, *unused)
    return used


@lru_cache(maxsize=4096)
def _optimizer(optimizer: OptimizerSettings, objective: Objective) -> OptimizerSettings:
    unused = ["momentum"] if optimizer.algorithm == "adamw" else []
    if objective != "supervised":
        unused.append("average")
    used: OptimizerSettings = _reset(optimizer, *unused)
    return used


@lru_cache(maxsize=4096)
def _schedule(schedule: ScheduleSettings) -> ScheduleSettings:
    unused = {"multistep": ["power"], "poly": ["drops", "gamma"]}
    used: ScheduleSettings = _reset(
        schedule, *unused.get(schedule.kind, ["drops", "gamma", "power"])
    )
    return used


@lru_cache(maxsize=4096)
def _batch(batch: BatchSettings, frozen_norm: bool, objective: Objective) -> BatchSettings:
    # `micro` stays: it is a matter of memory, and of the identity only under batch statistics
    used: BatchSettings = _reset(batch, *(["unlabelled"] if objective == "supervised" else []))
    return used


@lru_cache(maxsize=4096)
def _distillation(distillation: DistillationSettings, objective: Objective) -> DistillationSettings:
    if objective == "supervised":
        return DistillationSettings()
    unused = ["burn_in", "teacher", "fine_tune", "fine_tune_lr"]
    unused.append("alpha" if objective == "guided" else "student_init")
    used: DistillationSettings = _reset(distillation, *unused)
    teacher = distillation.teacher
    if objective == "guided" and teacher.init is not None:
        others = TeacherSettings(init=teacher.init, network=teacher.network)
        used = used.model_copy(update={"teacher": others})
    return used


@lru_cache(maxsize=4096)
def _evaluation(evaluation: EvaluationSettings, objective: Objective) -> EvaluationSettings:
    # `pseudo_labels` stays for a student: what is logged of a run is no part of its identity
    unused = ["pseudo_labels"] if objective == "supervised" else []
    if evaluation.tiles is None:
        unused.append("tile_overlap")
    used: EvaluationSettings = _reset(evaluation, "select", "network", *unused)
    return used


def _identity(
    used: CellSettings, objective: Objective, given: list[GivenWeights]
) -> dict[str, Any]:
    """What is hashed of essential settings: all but what has no part in the weights."""
    batch = _dump(used.batch)
    if used.model.norm == "frozen":
        batch = {key: value for key, value in batch.items() if key != "micro"}
    identity: dict[str, Any] = {
        "seed": used.seed,
        "dataset": _data(used, objective),
        "labels": _label_set(used.labels),
        "augmentation": _but_new_defaults(used.augmentation, "copy_paste", "empty_targets"),
        "model": _but_new_defaults(used.model, *_NEWER_MODEL_SETTINGS),
        "loss": _but_new_defaults(used.loss, "groups"),
        "optimizer": _but_new_defaults(used.optimizer, *_NEWER_OPTIMIZER_SETTINGS),
        "schedule": _dump(used.schedule),
        "batch": batch,
        "evaluation": _scoring(used.evaluation),
    }
    digests = {weights.setting: weights.digest for weights in given}
    for setting in ("weights", "init"):
        if f"model.{setting}" in digests:
            identity["model"] = {**identity["model"], setting: digests[f"model.{setting}"]}
    if "distillation.teacher.init" in digests:
        init, network = digests["distillation.teacher.init"], used.distillation.teacher.network
        identity["teacher"] = {"init": init, "network": network}
    if objective != "supervised":
        unused = {"burn_in", "teacher", "fine_tune", "fine_tune_lr"}
        unused |= {"alpha"} if objective == "guided" else set()
        distillation = _but_new_defaults(used.distillation, *_NEWER_DISTILLATION_SETTINGS)
        identity["distillation"] = {k: v for k, v in distillation.items() if k not in unused}
    return identity


def _label_set(labels: LabelSettings) -> dict[str, Any]:
    """The split as it is drawn, or the very list that its file gives. Paths are no identity."""
    identity = _without(labels, "file", "extra")
    assert labels.seed is not None, "essential settings have a seed"
    listed = read_label_list(labels, labels.seed)
    return identity if listed is None else {**identity, "list": listed.sha256}


def _scoring(evaluation: EvaluationSettings) -> dict[str, Any]:
    """What decides which checkpoint is the best; tiles only where images are cut into some."""
    untiled = [] if evaluation.tiles else ["tiles", "tile_overlap"]
    return _without(evaluation, "select", "network", "pseudo_labels", *untiled)


def _data(used: CellSettings, objective: Objective) -> dict[str, Any]:
    if objective == "supervised":
        return _data_identity(used.dataset, None)
    return _data_identity(used.dataset, used.dataset.has_extra and used.labels.extra)


# What follows is the same for thousands of runs: nobody may change what it returns.


@lru_cache(maxsize=4096)
def _data_identity(dataset: DataFormat, extra: bool | None) -> dict[str, Any]:
    return dataset.identity(extra)


@lru_cache(maxsize=65536)
def _dump(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


_NEWER_DISTILLATION_SETTINGS = (
    "alpha_m",
    "adaptive",
    "ignore_above",
    "student_init",
    "teacher_precision",
    "label_weights",
)
_NEWER_OPTIMIZER_SETTINGS = ("algorithm", "momentum", "layer_decay", "tf32")
_NEWER_MODEL_SETTINGS = (
    "architecture",
    "vit_resize",
    "vit_positions",
    "init",
    "vit_layers",
    "vit_grid",
    "query_blocks",
    "masked_attention",
    "pixel_decoder_precision",
)


@lru_cache(maxsize=65536)
def _but_new_defaults(settings: Settings, *names: str) -> dict[str, Any]:
    """All but the younger settings `names` at their defaults: so old runs keep their names."""
    fields = type(settings).model_fields
    idle = [name for name in names if getattr(settings, name) == fields[name].get_default()]
    return _without(settings, *idle)


@lru_cache(maxsize=65536)
def _without(settings: Settings, *names: str) -> dict[str, Any]:
    return {key: value for key, value in _dump(settings).items() if key not in names}
