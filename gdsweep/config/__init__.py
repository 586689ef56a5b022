"""Every setting of a run, typed, with the paper's symbol beside each constant of the method.

Defaults are the published numbers' (on COCO); where paper and public code differ the field's
docstring says which is which. Nothing in this room imports torch.
"""

from gdsweep.config.base import Settings
from gdsweep.config.data import (
    AugmentationSettings,
    CityscapesData,
    CocoData,
    DataSettings,
    FileData,
    ImageSet,
    LabelSettings,
    ShapesData,
    expanded,
    has_extra,
)
from gdsweep.config.initial_weights import weights_digest
from gdsweep.config.label_list import LabelList, read_label_list
from gdsweep.config.model import LossSettings, ModelSettings
from gdsweep.config.run import (
    METHODS,
    CellSettings,
    CheckpointRef,
    Method,
    MilestoneRef,
    Objective,
    RunConfig,
)
from gdsweep.config.training import (
    BatchSettings,
    DistillationSettings,
    EvaluationSettings,
    OptimizerSettings,
    ResourceSettings,
    ScheduleSettings,
    TeacherSettings,
)

__all__ = [
    "METHODS",
    "AugmentationSettings",
    "BatchSettings",
    "CellSettings",
    "CheckpointRef",
    "CityscapesData",
    "CocoData",
    "DataSettings",
    "DistillationSettings",
    "EvaluationSettings",
    "FileData",
    "ImageSet",
    "LabelList",
    "LabelSettings",
    "LossSettings",
    "Method",
    "MilestoneRef",
    "ModelSettings",
    "Objective",
    "OptimizerSettings",
    "ResourceSettings",
    "RunConfig",
    "ScheduleSettings",
    "Settings",
    "ShapesData",
    "TeacherSettings",
    "expanded",
    "has_extra",
    "read_label_list",
    "weights_digest",
]
