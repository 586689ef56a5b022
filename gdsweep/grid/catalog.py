"""Data sets of detectron2's catalog, by name alone: planning never asks the catalog itself."""

import re

from gdsweep.config import CocoData, ImageSet
from gdsweep.config.coco_format import CATALOG

_NAMES = re.compile(r"[^\s,]+(,[^\s,]+)?")
_SUFFIXES = ("_train", "_val")


def catalog_fault(value: str) -> str | None:
    """Why a name that begins with `detectron2:` names no pair of data sets; None where it does."""
    names = value.removeprefix(CATALOG)
    if not _NAMES.fullmatch(names):
        return (
            f"{value} names no data sets; write {CATALOG}NAME for NAME_train and NAME_val of "
            f"detectron2's catalog, or {CATALOG}TRAIN,VAL"
        )
    end = next((end for end in _SUFFIXES if "," not in names and names.endswith(end)), None)
    if end is not None:
        stem = names.removesuffix(end)
        return (
            f"{value} is half of a pair; write {CATALOG}{stem} for {stem}_train and {stem}_val, "
            f"or {CATALOG}TRAIN,VAL"
        )
    return None


def catalog_dataset(value: str, name: str) -> CocoData:
    """The data set called `name` that `detectron2:NAME` or `detectron2:TRAIN,VAL` stands for.

    A single name is a pair's common part, as in `coco_2017_train` and `coco_2017_val`.
    """
    stem, _, other = value.removeprefix(CATALOG).partition(",")
    train, val = (stem, other) if other else (f"{stem}{end}" for end in _SUFFIXES)
    # the catalog's records say where each image lies
    return CocoData(
        name=name,
        train=ImageSet(images="", annotations=f"{CATALOG}{train}"),
        val=ImageSet(images="", annotations=f"{CATALOG}{val}"),
    )
