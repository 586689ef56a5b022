"""From settings to image sets."""

from gdsweep.config import CityscapesData, FileData, ShapesData
from gdsweep.data.cityscapes import open_cityscapes
from gdsweep.data.coco import open_coco
from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.shapes import open_shapes


def open_dataset(settings: ShapesData | FileData, extra: bool = True) -> DatasetSplits:
    """Open a data set; its extra unlabelled images only where `extra` says that they are used.

    Raises:
        BadInput: a file is missing or malformed; one line says which, and what would be valid.
    """
    if isinstance(settings, ShapesData):
        return open_shapes(settings)
    if isinstance(settings, CityscapesData):
        return open_cityscapes(settings, extra)
    return open_coco(settings if extra else settings.model_copy(update={"unlabelled": None}))
