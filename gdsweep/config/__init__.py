"""Every setting of a run, typed, with the paper's symbol beside each constant of the method.

Defaults are the published numbers' (on COCO); where paper and public code differ the field's
docstring says which is which. Nothing in this room imports torch.
"""

from gdsweep.config.architectures import ARCHITECTURES, Architecture
from gdsweep.config.base import Settings
from gdsweep.config.cityscapes_format import CityscapesData
from gdsweep.config.coco_format import CocoData, ImageSet
from gdsweep.config.data import AugmentationSettings, LabelSettings
from gdsweep.config.figures import FIGURES, FigureKind
from gdsweep.config.format_base import SPLIT_NAMES, DataFormat, FileFormat, Scaling, Split
from gdsweep.config.formats import FORMATS, DataSettings
from gdsweep.config.label_list import LabelList, read_label_list
from gdsweep.config.metrics import METRICS, Metric, always_measured
from gdsweep.config.model import LossSettings, ModelSettings
from gdsweep.config.paths import expanded
from gdsweep.config.run import (
    METHODS,
    CellSettings,
    CheckpointRef,
    Method,
    MilestoneRef,
    Objective,
    RunConfig,
)
from gdsweep.config.shapes_format import ShapesData
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
    "ARCHITECTURES",
    "FIGURES",
    "FORMATS",
    "METHODS",
    "METRICS",
    "SPLIT_NAMES",
    "Architecture",
    "AugmentationSettings",
    "BatchSettings",
    "CellSettings",
    "CheckpointRef",
    "CityscapesData",
    "CocoData",
    "DataFormat",
    "DataSettings",
    "DistillationSettings",
    "EvaluationSettings",
    "FigureKind",
    "FileFormat",
    "ImageSet",
    "LabelList",
    "LabelSettings",
    "LossSettings",
    "Method",
    "Metric",
    "MilestoneRef",
    "ModelSettings",
    "Objective",
    "OptimizerSettings",
    "ResourceSettings",
    "RunConfig",
    "Scaling",
    "ScheduleSettings",
    "Settings",
    "ShapesData",
    "Split",
    "TeacherSettings",
    "always_measured",
    "expanded",
    "read_label_list",
]
