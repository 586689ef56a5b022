"""A format that gdsweep does not know: two arrays a split, images and whose each pixel is."""

from pathlib import Path
from typing import ClassVar, Literal

from gdsweep.config.format_base import FileFormat


class SpritesData(FileFormat):
    """`train.npz`, `val.npz` and `test.npz` in one folder."""

    opener: ClassVar[str] = "gdsweep.data.sprites:open_sprites"
    miniature_writer: ClassVar[str] = "gdsweep.data.sprites:write_sprites"

    format: Literal["sprites"] = "sprites"
    tested: bool = False
    """Whether scores are reported on `test.npz`, not on `val.npz`."""

    @property
    def has_test(self) -> bool:
        """As `tested` says."""
        return self.tested

    def miniature(self, folder: Path) -> "SpritesData":
        """The same settings, other sprites."""
        return self.model_copy(update={"root": str(folder / self.format)})

    def annotation_files(self) -> dict[str, dict[str, Path]]:
        """One file a split, images and all."""
        splits = ("train", "val", "test") if self.tested else ("train", "val")
        files = {split: self.resolved(f"{split}.npz") for split in splits}
        return {split: {path.name: path} for split, path in files.items() if path.is_file()}
