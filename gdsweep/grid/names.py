"""Names of settings: the tree of `CellSettings`, short names, and the nearest valid choice."""

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from pydantic.fields import FieldInfo

from gdsweep.config import CellSettings, Settings

Target = tuple[str, ...]
"""Path of a field in CellSettings: `("distillation", "burn_in")`."""

PRESETS = Path(__file__).resolve().parents[1] / "presets"

BASICS: dict[str, Target] = {
    "dataset": ("dataset",),
    "labels": ("labels", "percent"),
    "backbone": ("model", "backbone"),
    "method": ("method",),
    "seed": ("seed",),
}
"""What every cell is told by, whether or not an axis varies it."""

TEACHER_BACKBONE: Target = ("distillation", "teacher", "of", "backbone")
"""Named as the basic backbone is; None where the teacher has the student's."""

VARIANT: Target = ("variant",)
"""The axis that sets nothing."""


def is_group(annotation: Any) -> TypeGuard[type[Settings]]:
    """Whether a field's type is a group of further settings."""
    return isinstance(annotation, type) and issubclass(annotation, Settings)


@cache
def tree() -> dict[Target, dict[str, FieldInfo]]:
    """The groups of CellSettings, each with its fields; the data set is a single name here."""
    groups: dict[Target, dict[str, FieldInfo]] = {}

    def visit(target: Target, model: type[Settings]) -> None:
        groups[target] = dict(model.model_fields)
        for name, info in model.model_fields.items():
            if is_group(info.annotation):
                visit((*target, name), info.annotation)

    visit((), CellSettings)
    return groups


@cache
def leaves() -> dict[Target, FieldInfo]:
    """Every single setting of a cell, in the order of the classes."""
    return {
        (*group, name): info
        for group, fields in tree().items()
        for name, info in fields.items()
        if (*group, name) not in tree()
    }


@cache
def _short_names() -> dict[str, Target]:
    """Short names: the basics, and every leaf name that only one setting has."""
    counted: dict[str, list[Target]] = {}
    for target in leaves():
        counted.setdefault(target[-1], []).append(target)
    unique = {name: found[0] for name, found in counted.items() if len(found) == 1}
    return {**BASICS, **{k: v for k, v in unique.items() if k not in BASICS}}


@cache
def canonical(target: Target) -> str:
    """The shortest name of a setting: `labels`, `burn_in`, `evaluation.network`."""
    return next((name for name, t in _short_names().items() if t == target), ".".join(target))


def find(name: str) -> Target | None:
    """The setting that `name` (short or dotted) stands for; None where there is none."""
    dotted_name = tuple(name.split("."))
    return _short_names().get(name) or (dotted_name if dotted_name in leaves() else None)


def unknown(name: Any, what: str = "setting") -> str:
    """Why `name` stands for no setting, and what would be near."""
    known = {target[-1] for target in leaves()}
    if name in known:
        full = [".".join(target) for target in leaves() if target[-1] == name]
        return f"{name} is the name of {len(full)} settings; say {' or '.join(full)}"
    if isinstance(name, str) and tuple(name.split(".")) in tree():
        inside = ", ".join(tree()[tuple(name.split("."))])
        return f"{name} is a group of settings; name one inside it ({inside})"
    choices = [*_short_names(), *(".".join(target) for target in leaves())]
    return f"no {what} is called {name}{nearest(name, choices)}"


@cache
def dataset_names() -> tuple[str, ...]:
    """The shipped data sets."""
    return tuple(sorted(path.stem for path in (PRESETS / "datasets").glob("*.yaml")))


@cache
def backbone_names() -> tuple[str, ...]:
    """The shipped backbones."""
    return tuple(sorted(path.stem for path in (PRESETS / "backbones").glob("*.yaml")))


def nearest(value: Any, choices: Iterable[Any]) -> str:
    """`; did you mean X?`, or all choices where few, or nothing: to end a complaint with."""
    texts = list(dict.fromkeys(str(choice) for choice in choices))
    close = difflib.get_close_matches(str(value), texts, n=1, cutoff=0.6)
    if not close:
        lower = {text.lower(): text for text in texts}
        folded = difflib.get_close_matches(str(value).lower(), list(lower), n=1, cutoff=0.6)
        close = [lower[text] for text in folded]
    if close:
        return f"; did you mean {close[0]}?"
    if not texts:
        return ""
    if len(texts) > 16:
        return ""
    return f"; valid: {', '.join(texts)}"
