"""Where a folder keeps microscope images and the masks of their objects.

Layouts that are known, each in FOLDER itself or in its folders `train`, `val` and `test`:
- `IMAGE/images/*.png` and `IMAGE/masks/*.png`: one image a folder, one mask a file (2018 Data
  Science Bowl);
- `images/NAME.*` and `masks/NAME/*.png`, or `masks/NAME_*.png`: one mask a file;
- `images/NAME.*` and `labels/NAME.*` (or `masks/NAME.*`): a label map an image;
- `NAME.*` and `NAME_masks.*` beside each other: a label map an image.

A label map may add to its image's name what `_ADDED` matches. A folder of masks that is empty, and
a mask or label map without a pixel, say that an image has no object; a missing one is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gdsweep.data.image_file import SUFFIXES
from gdsweep.errors import BadInput

SIDES = ("train", "val", "test")
LOSSY = frozenset({".jpg", ".jpeg", ".webp"})
"""Formats that change values: no masks are kept in them."""

_ADDED = re.compile(r"[_-](cp_)?(mask|label|instance)s?$")


@dataclass(frozen=True)
class Source:
    """One image file and the files of its objects."""

    name: str
    """Unique in its layout."""
    image: Path
    """The image."""
    masks: tuple[Path, ...]
    """One mask an object, or one label map."""
    label_map: bool
    """Whether a value of the file is an object; one file is one object otherwise."""


def find_sides(folder: Path) -> dict[str, list[Source]]:
    """The images of a folder by side of the split; all are `train` where there are no such folders.

    Raises:
        BadInput: no known layout, an image without masks, masks without an image, or two images of
            one name.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if (folder / "train").is_dir():
        return {side: _sources(folder / side) for side in SIDES if (folder / side).is_dir()}
    return {"train": _sources(folder)}


def _sources(folder: Path) -> list[Source]:
    if (folder / "images").is_dir():
        for name in ("labels", "masks"):
            if (folder / name).is_dir():
                return _apart(folder / "images", folder / name)
        raise BadInput(f"{folder}: images, but no folder labels or masks beside them")
    own = [place for place in _folders(folder) if (place / "images").is_dir()]
    return [_of_own_folder(place) for place in own] if own else _beside(folder)


def _of_own_folder(folder: Path) -> Source:
    images = _files(folder / "images")
    if len(images) != 1:
        raise BadInput(f"{folder / 'images'}: {len(images)} image files; one is valid")
    if not (folder / "masks").is_dir():
        raise BadInput(f"{folder}: no folder masks; an empty one says that there are no objects")
    return Source(folder.name, images[0], tuple(_lossless(folder / "masks")), False)


def _apart(images: Path, masks: Path) -> list[Source]:
    found = _by_stem(_files(images), images)
    folders, files = _folders(masks), _lossless(masks)
    if folders and files:
        raise BadInput(f"{masks}: files and folders; masks of each image in its folder, or files")
    if folders:
        owned = {place.name: _lossless(place) for place in folders}
        _refuse_strangers((place for place in folders if place.name not in found), images)
        return _matched(found, owned, masks, label_map=False)
    maps = [_without_addition(file.stem, found) for file in files]
    if all(name in found for name in maps):
        return _matched(found, _grouped(zip(maps, files, strict=True)), masks, label_map=True)
    owners = [(_owner(file.stem, found), file) for file in files]
    _refuse_strangers((file for owner, file in owners if owner is None), images)
    owned = _grouped((owner, file) for owner, file in owners if owner is not None)
    return _matched(found, owned, masks, label_map=False)


def _beside(folder: Path) -> list[Source]:
    files = _files(folder)
    maps = [file for file in files if _ADDED.search(file.stem)]
    if not maps:
        raise BadInput(
            f"{folder}: no layout that is known; valid: IMAGE/images and IMAGE/masks, images and "
            "masks, images and labels, or NAME_masks.png beside NAME.png"
        )
    _refuse_lossy(maps)
    found = _by_stem((file for file in files if file not in maps), folder)
    names = [_without_addition(file.stem, found) for file in maps]
    pairs = list(zip(names, maps, strict=True))
    _refuse_strangers((file for name, file in pairs if name not in found), folder)
    return _matched(found, _grouped(pairs), folder, label_map=True)


def _matched(
    images: dict[str, Path], masks: dict[str, list[Path]], place: Path, *, label_map: bool
) -> list[Source]:
    without = [name for name in images if name not in masks]
    if without:
        instead = "label map" if label_map else "mask"
        raise BadInput(
            f"{place}: {len(without)} of {len(images)} images have no {instead}, {without[0]} for "
            f"one; a black {instead} says that there are no objects"
        )
    for name, files in masks.items():
        if label_map and len(files) > 1:
            raise BadInput(f"{place}: {files[0].name} and {files[1].name} could both be {name}'s")
    return [Source(name, path, tuple(masks[name]), label_map) for name, path in images.items()]


def _grouped(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for name, file in pairs:
        groups.setdefault(name, []).append(file)
    return groups


def _without_addition(stem: str, images: dict[str, Path]) -> str:
    return stem if stem in images else _ADDED.sub("", stem)


def _owner(stem: str, images: dict[str, Path]) -> str | None:
    # the longest image name that the mask's begins with: `a_1_2` is of `a_1` where there is one
    ends = [match.start() for match in re.finditer(r"[_.-]", stem)]
    return next((stem[:end] for end in reversed(ends) if stem[:end] in images), None)


def _by_stem(files: Iterable[Path], place: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise BadInput(f"{place}: {found[file.stem].name} and {file.name} have one name")
        found[file.stem] = file
    if not found:
        raise BadInput(f"{place}: no image file in it ({', '.join(sorted(SUFFIXES))})")
    return found


def _refuse_strangers(strangers: Iterable[Path], images: Path) -> None:
    listed = list(strangers)
    if listed:
        raise BadInput(f"{listed[0]}: no image of that name in {images}")


def _refuse_lossy(files: Iterable[Path]) -> None:
    for file in files:
        if file.suffix.lower() in LOSSY:
            raise BadInput(f"{file}: JPEG and WebP change values; PNG, TIFF and BMP hold masks")


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def _lossless(folder: Path) -> list[Path]:
    files = _files(folder)
    _refuse_lossy(files)
    return files
