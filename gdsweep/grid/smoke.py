"""A grid in miniature: the same cells and stages, seconds each on one CPU core."""

from pathlib import Path

from gdsweep.config import (
    ARCHITECTURES,
    AugmentationSettings,
    BatchSettings,
    CellSettings,
    DistillationSettings,
    ModelSettings,
    ResourceSettings,
)

ITERATIONS = 8
BATCH = 2


def smoke(
    settings: CellSettings, folder: Path, supervised: CellSettings | None = None
) -> tuple[CellSettings, CellSettings | None]:
    """Shrink a cell, and its teacher's: 8 iterations of a tiny network with random weights.

    The network's family stays: ResNet, Swin, plain vision transformer, Mask R-CNN (see `_family`).
    The data set keeps its name and its format: what is read from files is read from `folder`, where
    they lie in miniature (see `gdsweep.data.miniature`), whatever the grid's own root. Published
    lists of labelled images, which are of other images, are not read: the split is drawn.
    Burn-in and the teacher's iteration keep their place on the horizon, and every stage at least
    one iteration. What the grid is about (method, seed, weights of losses, thresholds) stays.
    Cells that differ only in what is shrunk (two backbones, say) share their runs.
    """
    burn_in = _scaled(settings.distillation.burn_in, settings.schedule.iterations, ITERATIONS - 1)
    at = settings.distillation.teacher.at
    if supervised is not None and isinstance(at, int):
        at = _scaled(at, supervised.schedule.iterations, ITERATIONS)
    return (
        _shrunk(settings, folder, burn_in, at),
        supervised and _shrunk(supervised, folder, burn_in, at),
    )


def _scaled(iteration: int, horizon: int, most: int) -> int:
    return min(max(round(iteration * ITERATIONS / horizon), 1), most)


def _shrunk(settings: CellSettings, folder: Path, burn_in: int, at: int | str) -> CellSettings:
    teacher = settings.distillation.teacher.model_copy(update={"at": at, "init": None})
    distillation: DistillationSettings = settings.distillation.model_copy(
        update={
            "burn_in": burn_in,
            "teacher": teacher,
            "fine_tune": min(settings.distillation.fine_tune, ITERATIONS),
        }
    )
    return settings.model_copy(
        update={
            "dataset": settings.dataset.miniature(folder),
            "labels": settings.labels.model_copy(update={"file": None}),
            "augmentation": _views(settings.augmentation),
            "model": _network(settings.model),
            "loss": settings.loss.model_copy(
                update={
                    "points": min(settings.loss.points, 49),
                    "groups": min(settings.loss.groups, BATCH),
                }
            ),
            "optimizer": settings.optimizer.model_copy(update={"precision": "fp32"}),
            "schedule": settings.schedule.model_copy(
                update={"iterations": ITERATIONS, "warmup": min(settings.schedule.warmup, 1)}
            ),
            "batch": BatchSettings(labelled=BATCH, unlabelled=BATCH),
            "distillation": distillation,
            "evaluation": settings.evaluation.model_copy(update={"period": ITERATIONS // 2}),
            "resources": ResourceSettings(
                gpus=0,
                cpus=1,
                hours=1,
                workers=0,
                device="cpu",
                checkpoint_period=ITERATIONS,
                log_period=4,
            ),
        }
    )


def _views(views: AugmentationSettings) -> AugmentationSettings:
    small: AugmentationSettings = views.model_copy(
        update={
            "crop": (64, 64),
            "short_edges": (64, 72),
            "scale": views.scale if views.geometry == "scale-jitter" else (0.7, 1.0),
            "test_short_edge": None,
        }
    )
    return small


def _network(model: ModelSettings) -> ModelSettings:
    return ModelSettings(
        architecture=model.architecture,
        backbone=_family(model),
        vit_resize=model.vit_resize,
        vit_positions=model.vit_positions,
        weights="random",
        norm="batch" if model.norm == "sync" else model.norm,  # sync needs CUDA
        freeze_backbone=model.freeze_backbone,
        hidden=32,
        heads=2,
        queries=8,
        encoder_layers=1,
        encoder_points=2,
        encoder_feedforward=32,
        decoder_layers=2,
        decoder_feedforward=32,
    )


def _family(model: ModelSettings) -> str:
    """The smallest network of the backbone's family; any other family's is a ResNet."""
    smallest = ARCHITECTURES[model.architecture].smallest
    if smallest is not None:
        return smallest
    if model.backbone.startswith("swin"):
        return "swin_test"
    if model.backbone.startswith(("vit_", "deit")):
        return "test_vit"
    return "test_resnet"
