"""The record of what a run was trained on: content and places of its annotation files."""

import json

from pydantic import Field, ValidationError

from gdsweep import atomic
from gdsweep.config import DataFormat
from gdsweep.config.base import Settings
from gdsweep.config.digests import Stamp, stamp_of
from gdsweep.errors import BadInput
from gdsweep.runs.layout import RunDir


class FilesRecord(Settings):
    """Some files as they lay on disk when they were read."""

    path: str
    """The file, or the folder that all of them lie in."""
    files: int
    """How many."""
    size: int
    """Bytes of all of them."""
    mtime: float
    """When the last of them was written (Unix time)."""
    mark: str | None = None
    """See `Stamp`; None where the files were so young that they have to be read to be compared."""
    sha256: str | None = None
    """Digest of given files; that of annotations stands in `fingerprint`."""

    @classmethod
    def of(cls, stamp: Stamp, sha256: str | None = None) -> "FilesRecord":
        """A stamp as a run remembers it. It has to be older than the reading of the files."""
        return cls(
            path=stamp.path,
            files=stamp.files,
            size=stamp.size,
            mtime=stamp.mtime,
            mark=None if stamp.young else stamp.mark,
            sha256=sha256,
        )


class DatasetRecord(Settings):
    """`dataset.json`."""

    fingerprint: dict[str, str]
    """Image set to the digest of its annotation files, or to what generates it."""
    labelled_sha256: str | None = None
    """Digest of the labelled images' names."""
    files: dict[str, FilesRecord] = Field(default_factory=dict)
    """Image set to its annotation files; empty in records of before 26 November 2026."""
    given: dict[str, FilesRecord] = Field(default_factory=dict)
    """Setting to the other files that it named: a label list, weights. Identities tell them apart,
    this says where they lay."""

    def differing(self, fingerprint: dict[str, str]) -> list[str]:
        """Image sets whose annotations are others than those of `fingerprint`.

        A record of a run without extra images says nothing of them; test images that came later
        are other images than those that were scored.
        """
        known = self.fingerprint
        changed = [name for name in known if known[name] != fingerprint.get(name)]
        if "test" in fingerprint and "test" not in known:
            changed.append("test")
        return sorted(changed)


def stamps_of(data: DataFormat) -> dict[str, Stamp]:
    """Image set to the stamp of its annotation files; those that are not seen are left out."""
    stamps = {}
    for name, files in data.annotation_files().items():
        try:
            stamps[name] = stamp_of(files)
        except OSError:
            continue  # whoever needs the files says that they are not there
    return stamps


def read_dataset_record(run: RunDir) -> DatasetRecord | None:
    """What a run was trained on; None where it has not begun. Raises BadInput for a damaged one."""
    try:
        content = json.loads(run.dataset.read_bytes())
        return DatasetRecord.model_validate(content)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
    except ValueError as error:
        reason = str(error)
    raise BadInput(
        f"{run.dataset}: damaged ({reason}); remove the file, or the whole run directory"
    )


def write_dataset_record(run: RunDir, record: DatasetRecord) -> None:
    """Write what a run is trained on, whole or not at all. Raises OSError."""
    atomic.write_json(run.dataset, record.model_dump(mode="json", exclude_none=True))
