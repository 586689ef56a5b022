"""Published label splits, read from their files: which training images keep their labels.

Two formats, told apart by their content:
- GuidedDistillation's for Cityscapes, `<city>_<seq>_<frame>_gtFine_instanceIds.png`, a line per
  image. A line may as well be any image's file name, so the format serves every data set.
- Unbiased Teacher's for COCO: JSON, {percent: {seed: [index, ...]}}. The indices count the images
  in the order of their ids, those without a non-crowd annotation left out (117,266 of train2017).
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from gdsweep.config.data import LabelSettings
from gdsweep.config.digests import file_digest
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput


@dataclass(frozen=True)
class LabelList:
    """The labelled images as a file gives them."""

    where: str
    """What begins a complaint: the file, and what was selected in it."""
    images: tuple[str, ...] | tuple[int, ...]
    """Names, or indices into the annotated images; in ascending order, each once."""

    @property
    def sha256(self) -> str:
        """Digest of the list; neither the file's place nor its order or format has a part in it."""
        return hashlib.sha256(json.dumps(self.images).encode()).hexdigest()


def read_label_list(labels: LabelSettings, seed: int) -> LabelList | None:
    """The list in `labels.file`; None where there is no file, or with 100 % of the labels.

    `seed` selects in Unbiased Teacher's format where `labels.seed` is None.

    Raises:
        BadInput: the file is missing, empty, of neither format, or has no such percentage or seed.
    """
    if labels.file is None or labels.percent == 100:
        return None
    path = expanded(labels.file)
    try:
        digest = file_digest(Path(path))
    except OSError as error:
        raise BadInput(
            f"{path}: {error.strerror}; labels.file is a published list of labelled images"
        ) from None
    content = _content(path, digest)
    if isinstance(content, tuple):
        return LabelList(path, content)
    return _selected(content, path, labels.percent, seed if labels.seed is None else labels.seed)


@lru_cache(maxsize=16)
def _content(path: str, digest: str) -> dict[str, Any] | tuple[str, ...]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a text file") from None
    if text.lstrip().startswith("{"):
        try:
            content: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise BadInput(f"{path}: not valid JSON: {error}") from None
        return content
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise BadInput(f"{path}: empty; a line per labelled image belongs there")
    return _unique(names, path)


def _selected(content: dict[str, Any], path: str, percent: float, seed: int) -> LabelList:
    of_percent = _entry(content, percent, path, "percentage")
    where = f"{path}: {percent:g} %"
    if not isinstance(of_percent, dict):
        raise BadInput(f"{where}: no mapping from seeds to lists of image indices")
    indices = _entry(of_percent, seed, where, "seed")
    where = f"{where}, seed {seed}"
    if not isinstance(indices, list) or not indices:
        raise BadInput(f"{where}: no list of image indices")
    for index in indices:
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            raise BadInput(f"{where}: {json.dumps(index)} is no image index (0 or more)")
    return LabelList(where, _unique(indices, where))


def _entry(content: dict[str, Any], wanted: float, where: str, what: str) -> Any:
    for key, value in content.items():
        try:
            if float(key) == wanted:
                return value
        except ValueError:
            raise BadInput(f"{where}: key {json.dumps(key)} is no {what}") from None
    valid = ", ".join(content) or "none"
    raise BadInput(f"{where}: no {what} {wanted:g}; there are: {valid}")


def _unique(images: list[Any], where: str) -> tuple[Any, ...]:
    ordered = sorted(images)
    for one, following in pairwise(ordered):
        if one == following:
            raise BadInput(f"{where}: {one} is listed twice")
    return tuple(ordered)
