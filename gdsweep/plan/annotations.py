"""Annotation files that are no longer the ones a run was trained on."""

import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from gdsweep.config import RunConfig
from gdsweep.errors import BadInput
from gdsweep.runs import RunDir, Store


def check_unchanged(store: Store, configs: Iterable[RunConfig]) -> None:
    """Compare annotation files with the fingerprints that runs on them have left.

    A number in a table is only as good as the data behind it: finished runs are checked too. Only
    image sets of which something was written after the run began are hashed. Raises BadInput for
    the first that changed.
    """
    listed = cache(lambda data: data.annotation_files())
    written = cache(lambda data, name: _last_written(listed(data)[name]))
    sha256 = cache(_sha256)
    digest = cache(
        lambda data, name: data.fingerprint({k: sha256(p) for k, p in listed(data)[name].items()})
    )
    for config in configs:
        data = config.settings.dataset
        run = store.run(config.run)
        if not run.dataset.exists():
            continue
        trained = _fingerprint(run)
        since = run.dataset.stat().st_mtime
        for name, files in listed(data).items():
            if name not in trained:
                continue
            try:
                changed = written(data, name) > since and digest(data, name) != trained[name]
            except OSError:
                continue  # the trainer tells, if it needs the files at all
            if changed:
                place = os.path.commonpath(list(files.values()))
                raise BadInput(
                    f"{place}: changed since {run.path} was trained "
                    "on it; give the changed data set another name, or remove the run"
                )


def _last_written(files: dict[str, Path]) -> float:
    """Time of the newest of some files and of their folders, which another may have left."""
    places = {place for path in files.values() for place in (path, path.parent)}
    return max(place.stat().st_mtime for place in places)


def _fingerprint(run: RunDir) -> dict[str, str]:
    try:
        content = json.loads(run.dataset.read_bytes())
    except ValueError as error:
        raise BadInput(
            f"{run.dataset}: damaged ({error}); remove the file, or the whole run directory"
        ) from None
    found = content.get("fingerprint") if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
