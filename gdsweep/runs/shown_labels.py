"""The record of images whose pseudo-labels a run keeps along training, to be looked at."""

from typing import Any

from gdsweep.config import Settings


class ShownImages(Settings):
    """Images without labels, as small copies beside the record."""

    classes: dict[int, str]
    """Category id to name."""
    images: list[int]
    """COCO image ids."""
    truth: list[dict[str, Any]]
    """What is annotated on them, hidden from training: COCO results at the copies' size."""
