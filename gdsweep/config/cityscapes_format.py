"""Cityscapes in its official layout; its rules: see `gdsweep.data.cityscapes`."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from gdsweep.config.format_base import FileFormat

IMAGE = "_leftImg8bit.png"
"""How an image's name ends."""
ENDS = {"instance-ids": "_gtFine_instanceIds.png", "polygons": "_gtFine_polygons.json"}
"""How the name of its annotation ends, by `masks`."""


class CityscapesData(FileFormat):
    """Cityscapes in its official layout: `leftImg8bit/` and `gtFine/` with a folder per city.

    The 8 classes that are scored; `train` to train on, `val` to choose and report on (sec. 4.1).
    """

    opener: ClassVar[str] = "gdsweep.data.cityscapes:open_cityscapes"
    miniature_writer: ClassVar[str] = "gdsweep.data.miniature:write_cityscapes"
    measure: ClassVar[str] = "cityscapes"

    format: Literal["cityscapes"] = "cityscapes"
    root: str = "$DETECTRON2_DATASETS/cityscapes"
    """Folder that holds `leftImg8bit` and `gtFine`; a relative root is relative to the grid file.
    $DETECTRON2_DATASETS is `datasets` where not set, as in detectron2."""
    extra: bool = False
    """Whether the images of `leftImg8bit/train_extra` (20k) may join the unlabelled pool."""
    masks: Literal["instance-ids", "polygons"] = "instance-ids"
    """Where training masks come from: the pixels of `*_instanceIds.png`, or `*_polygons.json` drawn
    in their order, later ones on top, as those pixels once were. The public code draws the polygons
    at the size of the view (docs/deviations.md); scores are always of the pixels."""

    @property
    def place(self) -> Path | None:
        """The folder of annotations."""
        return self.resolved("gtFine")

    @property
    def has_extra(self) -> bool:
        """Whether train_extra may be used."""
        return self.extra

    @property
    def has_test(self) -> bool:
        """Never: the official test images have no public annotations."""
        return False

    def miniature(self, folder: Path) -> "CityscapesData":
        """The same settings, of a few drawn streets."""
        return self.model_copy(update={"root": str(folder / self.format)})

    def identity(self, extra: bool | None) -> dict[str, Any]:
        """Where training masks come from, too."""
        return {**super().identity(extra), "masks": self.masks}

    def annotation_files(self) -> dict[str, dict[str, Path]]:
        """The files that training masks come from, by their image's name."""
        end, files = ENDS[self.masks], {}
        for split in ("train", "val"):
            found = self.resolved(f"gtFine/{split}").glob(f"*/*{end}")
            files[split] = {f"{p.parent.name}/{p.name.removesuffix(end)}{IMAGE}": p for p in found}
        return {split: found for split, found in files.items() if found}
