"""From settings to image sets."""

from pkgutil import resolve_name

from gdsweep.config import DataFormat
from gdsweep.data.dataset import DatasetSplits


def open_dataset(settings: DataFormat, extra: bool = True) -> DatasetSplits:
    """Open a data set; its extra unlabelled images only where `extra` says that they are used.

    Raises:
        BadInput: a file is missing or malformed; one line says which, and what would be valid.
    """
    splits: DatasetSplits = resolve_name(settings.opener)(settings, extra)
    return splits
