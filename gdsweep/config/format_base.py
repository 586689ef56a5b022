"""What a data set answers without being opened: its places, files, identity and miniature."""

import hashlib
import os
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from gdsweep.config.base import Settings
from gdsweep.config.paths import beside, expanded
from gdsweep.config.set_statistics import SetStatistics

Split = Literal["val", "test"]
"""Images that a score may be of."""

SPLIT_NAMES: dict[Split, str] = {"val": "validation", "test": "test"}
"""What a person reads of them."""

Scaling = Literal["full", "min-max", "percentile"] | tuple[float, float]
"""How pixels of more than 8 bits become 8; see `gdsweep.config.intensity`."""


class DataFormat(Settings):
    """The settings of a data set in one format.

    A format is two files: its settings, free of torch, in `NAME_format.py` of this folder, and the
    module that `opener` names. The answers here are those of a generated data set.
    """

    opener: ClassVar[str]
    """`module:function` that opens a data set: from its settings and whether its extra unlabelled
    images are used to `gdsweep.data.DatasetSplits`."""
    measure: ClassVar[str] = "coco"
    """Whose AP is reported: `coco` or `cityscapes`."""

    name: str
    """The data set's name: its identity in run names, tables and hashes. Other annotations under an
    old name are refused."""
    format: str
    """The format."""

    @property
    def source(self) -> str:
        """Where the images come from, for a person."""
        return "generated"

    @property
    def place(self) -> Path | None:
        """The file or folder without which it cannot be opened; None where none is known."""
        return None

    @property
    def hint(self) -> str:
        """What to add where `place` was looked for in vain; begins with a space."""
        return ""

    @property
    def has_extra(self) -> bool:
        """Whether it has unlabelled images apart from those it trains and is scored on."""
        return False

    @property
    def has_test(self) -> bool:
        """Whether scores are reported on images of their own; on the validation images if not."""
        return True

    @property
    def pixel_scaling(self) -> Scaling:
        """How its images of more than 8 bits a channel become 8 bits."""
        return "full"

    def scored_split(self, asked: Split) -> Split:
        """Image set that a score is of: `val` where `test` is asked for and there is none."""
        return asked if self.has_test else "val"

    def rooted(self, folder: Path) -> Self:
        """The data set with relative places made absolute; they are relative to `folder`."""
        return self

    def lies_in(self, folder: Path) -> bool:
        """Whether its files are those in miniature that are written to `folder`."""
        return False

    @abstractmethod
    def miniature(self, folder: Path) -> "DataFormat":
        """What a smoke launch reads instead: a few small images under the same name.

        Those of files are written to `folder/<format>`.
        """

    @abstractmethod
    def identity(self, extra: bool | None) -> dict[str, Any]:
        """What of it can change trained weights; places cannot.

        `extra` is whether its extra unlabelled images are used, None where no unlabelled image is.
        """

    def statistics(self, image_set: str) -> SetStatistics | None:
        """What settings follow from, of `train`, `val` or `test`.

        None where settings are the preset's or the grid's to say (generated scenes), or the files
        are not seen here.
        """
        return None

    @property
    def derives(self) -> bool:
        """Whether settings that nobody decides follow from what the data set holds."""
        return False

    def annotation_files(self) -> dict[str, dict[str, Path]]:
        """The annotation files of each image set that is opened, by the names `fingerprint` takes.

        They are listed, not read. An image set whose files are not found is left out, and so is
        `test` where scores are reported on the validation images.
        """
        return {}

    def fingerprint(self, sha256: dict[str, str]) -> str:
        """What a run remembers of an image set: one digest of its files' sha256, by name."""
        total = hashlib.sha256()
        for name in sorted(sha256):
            total.update(f"{name} {sha256[name]}\n".encode())
        return total.hexdigest()


class FileFormat(DataFormat):
    """The settings of a data set that is read from files."""

    miniature_writer: ClassVar[str]
    """`module:function` that makes a given folder and writes the format in miniature to it."""

    root: str = ""
    """Folder the other paths are relative to; a relative root is relative to the grid file.
    `~` and `$VARIABLES` are expanded; $DETECTRON2_DATASETS is `datasets` where not set, as in
    detectron2."""

    def resolved(self, path: str) -> Path:
        """A path of this data set with `~`, `$VARIABLES` and the root put in."""
        return Path(expanded(self.root)) / expanded(path)

    @property
    def source(self) -> str:
        """The root."""
        return str(self.resolved(""))

    @property
    def place(self) -> Path | None:
        """The root."""
        return self.resolved("")

    @property
    def hint(self) -> str:
        """That detectron2's variable is not set, if the root needs it."""
        if "DETECTRON2_DATASETS" in self.root and "DETECTRON2_DATASETS" not in os.environ:
            return " (DETECTRON2_DATASETS is not set: `datasets` is taken for it)"
        return ""

    def rooted(self, folder: Path) -> Self:
        """The data set with a relative root made absolute."""
        return self.model_copy(update={"root": beside(self.root, folder)})

    def lies_in(self, folder: Path) -> bool:
        """Whether its root is below `folder`."""
        return folder in Path(self.root).parents

    def identity(self, extra: bool | None) -> dict[str, Any]:
        """Name and format: what is in the files, their fingerprint tells."""
        identity: dict[str, Any] = {"name": self.name, "format": self.format}
        return identity if extra is None else {**identity, "extra_unlabelled": extra}

    @abstractmethod
    def annotation_files(self) -> dict[str, dict[str, Path]]:
        """The annotation files of each image set that is opened, by the names of `fingerprint`."""
