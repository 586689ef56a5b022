"""A grid for a folder of one's own: which annotation files it holds, and settings that follow."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gdsweep.config import CellSettings, CocoData, ImageSet, Scaling
from gdsweep.errors import BadInput
from gdsweep.grid.derived import derived_settings
from gdsweep.grid.yaml_lines import plain

_SETS = {"train": ("train",), "val": ("val", "valid", "dev"), "test": ("test",)}
_DEEPEST = 3  # folders below the one that was named


_NOTHING_UNLABELLED = [
    "except:",
    "  - {labels: 100, method: guided} # nothing is left without labels",
]


@dataclass(frozen=True)
class FoundSet:
    """One annotation file and the folder its images are in, relative to the data set's."""

    annotations: str
    images: str


def own_grid(folder: Path, name: str, backbone: str, scaling: Scaling = "full") -> str:
    """A page of YAML that trains on `folder`, every derived value written down with its reason.

    Args:
        folder: holds COCO annotation files, told apart by `train`, `val` and `test` in their names
            or folders, and their images, anywhere below; images without labels in a folder
            `unlabelled`, where there are some.
        name: what the data set is called.
        backbone: of the grid.
        scaling: how images of more than 8 bits are read.

    Raises:
        BadInput: no training or no validation annotations, two that could be either, or no images.
    """
    found = find_sets(folder)
    unlabelled = find_unlabelled(folder)
    data = CocoData(
        name=name,
        root=str(folder),
        **{key: ImageSet(images=s.images, annotations=s.annotations) for key, s in found.items()},
    )
    statistics = data.statistics("train")
    if statistics is None:
        raise BadInput(f"{folder / found['train'].annotations}: cannot be read as COCO annotations")
    settings = CellSettings(dataset=data)
    lines = [
        f"title: {name}",
        "axes:",
        f"  dataset: [{plain(name)}]",
        f"  labels: {'[100]' if unlabelled else '[10, 100]'} # percent of those that have labels",
        f"  backbone: [{backbone}]",
        "  method: [supervised, guided]",
        *([] if unlabelled else _NOTHING_UNLABELLED),
        "datasets:",
        f"  {plain(name)}: # {statistics}",
        "    format: coco",
        f"    root: {plain(os.path.relpath(folder))}",
        *(
            f"    {key}: {{images: {plain(s.images)}, annotations: {plain(s.annotations)}}}"
            for key, s in found.items()
        ),
        *([] if scaling == "full" else [f"    scaling: {_scaling(scaling)} # of images > 8 bits"]),
        *([f"    unlabelled: {{images: {unlabelled}}}"] if unlabelled else []),
        "settings:",
    ]
    groups: dict[str, list[str]] = {}
    tested = [seen for name in ("val", "test") if (seen := data.statistics(name))]
    for one in derived_settings(settings, statistics, lambda target: False, tested):
        group, key = one.target
        groups.setdefault(group, []).append(f"    {key}: {plain(one.value)} # {one.because}")
    for group, entries in groups.items():
        lines += [f"  {group}:", *entries]
    lines += ["table: {rows: [backbone, method], columns: [labels]}"]
    return "\n".join(lines) + "\n"


def _scaling(scaling: Scaling) -> str:
    return scaling if isinstance(scaling, str) else plain(list(scaling))


def find_sets(folder: Path) -> dict[str, FoundSet]:
    """The annotation files of a folder by image set. Raises BadInput, see `own_grid`."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    files: dict[str, list[Path]] = {key: [] for key in _SETS}
    for path in _annotation_files(folder):
        words = str(path.relative_to(folder)).lower()
        for key, names in _SETS.items():
            if any(name in words for name in names):
                files[key].append(path)
                break
    found = {}
    for key, paths in files.items():
        if len(paths) > 1:
            listed = ", ".join(str(path.relative_to(folder)) for path in paths[:4])
            raise BadInput(f"{folder}: {listed} could all be {key}; leave one of them there")
        if paths:
            found[key] = FoundSet(str(paths[0].relative_to(folder)), _images(folder, paths[0]))
    for key in ("train", "val"):
        if key not in found:
            raise BadInput(
                f"{folder}: no COCO annotation file for {key}; valid: a JSON file with "
                f"{' or '.join(_SETS[key])} in its name or folder"
            )
    return found


def find_unlabelled(folder: Path) -> str | None:
    """Folder of images without labels, `unlabelled` or `unlabeled`; None where there is none."""
    names = (name for name in ("unlabelled", "unlabeled") if (folder / name).is_dir())
    return next(names, None)


def _annotation_files(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        if len(Path(base).relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(base) / name
            if path.suffix == ".json" and not name.startswith(".") and _is_coco(path):
                yield path


def _is_coco(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False  # somebody's other file
    keys = ("images", "annotations", "categories")
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in keys)


def _images(folder: Path, annotations: Path) -> str:
    """The folder in which the first images of an annotation file are."""
    entries = json.loads(annotations.read_bytes())["images"][:3]
    names = [str(e["file_name"]) for e in entries if isinstance(e, dict) and "file_name" in e]
    places = [annotations.parent, *annotations.parents[: _DEEPEST + 1]]
    near = [place for place in places if place == folder or folder in place.parents]
    for place in [*near, *(Path(base) for base, _, _ in os.walk(folder))]:
        if names and all((place / name).is_file() for name in names):
            return str(place.relative_to(folder))
    first = names[0] if names else "no image"
    raise BadInput(f"{annotations}: {first} is in no folder below {folder}")
