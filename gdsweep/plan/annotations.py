"""Annotation files that are no longer the ones a run was trained on."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from gdsweep.config import CityscapesData, FileData, RunConfig, cityscapes_files
from gdsweep.errors import BadInput
from gdsweep.runs import RunDir, Store


def check_unchanged(store: Store, configs: Iterable[RunConfig]) -> None:
    """Compare annotation files with the fingerprints that runs on them have left.

    A number in a table is only as good as the data behind it: finished runs are checked too. Only
    what was written after the run began is hashed: a COCO file, or the annotations of a split of
    Cityscapes, all of them. Raises BadInput for the first that changed.
    """
    written, digest = cache(cityscapes_files.last_written), cache(cityscapes_files.digest)
    for config in configs:
        data = config.settings.dataset
        run = store.run(config.run)
        if not isinstance(data, FileData) or not run.dataset.exists():
            continue
        trained = _fingerprint(run)
        since = run.dataset.stat().st_mtime
        for name, place, now in _now(data, since, written, digest):
            if name in trained and now is not None and now != trained[name]:
                raise BadInput(
                    f"{place}: changed since {run.path} was trained "
                    "on it; give the changed data set another name, or remove the run"
                )


def _now(
    data: FileData,
    since: float,
    written: Callable[[CityscapesData, str], float],
    digest: Callable[[CityscapesData, str], str],
) -> Iterator[tuple[str, Path, str | None]]:
    """Each image set's name, where its annotations are, and their digest if they are newer."""
    if isinstance(data, CityscapesData):
        for split in ("train", "val"):
            place = data.resolved("") / "gtFine" / split
            try:
                yield split, place, digest(data, split) if written(data, split) > since else None
            except OSError:
                continue  # the trainer tells, if it needs the files at all
        return
    for name in ("train", "val", "test"):
        images = getattr(data, name)
        if images is not None and images.annotations is not None:
            path = data.resolved(images.annotations)
            yield name, path, _changed_since(path, since)


def _fingerprint(run: RunDir) -> dict[str, str]:
    try:
        content = json.loads(run.dataset.read_bytes())
    except ValueError as error:
        raise BadInput(
            f"{run.dataset}: damaged ({error}); remove the file, or the whole run directory"
        ) from None
    found = content.get("fingerprint") if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def _changed_since(path: Path, since: float) -> str | None:
    """The file's sha256 if it was written after `since`; None for an older or absent one."""
    try:
        return _sha256(path) if path.stat().st_mtime > since else None
    except OSError:
        return None  # the trainer tells, if it needs the file at all


@cache
def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
