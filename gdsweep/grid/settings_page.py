"""Every setting as a page of Markdown, made from the docstrings: `docs/settings.md`.

`python -m gdsweep.grid.settings_page > docs/settings.md` writes it anew.
"""

import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from gdsweep.config import CellSettings, DataSettings, Settings
from gdsweep.grid.names import Target, canonical, is_group, leaves, tree
from gdsweep.grid.yaml_lines import plain

INTRODUCTION = """\
# Settings

Every setting of a cell, with its default. All of them may stand under a grid's `settings:` and
`rules:`; a single value may be an axis, by its short name or its dotted one. What a cell's settings
are, and which line decided each, is told by `python launch.py GRID --show CELL`.

This page is made from the docstrings in `gdsweep/config`:
`python -m gdsweep.grid.settings_page > docs/settings.md`."""

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}


def settings_page() -> str:
    """The page; the same text whenever the settings are the same."""
    parts = [INTRODUCTION]
    for group, fields in tree().items():
        parts.append(_section(f"## {'.'.join(group) or 'One cell'}", _paragraph(_model(group))))
        for name in fields:
            target = (*group, name)
            if target in leaves() and target != ("dataset",):
                parts.append(_entry(canonical(target), ".".join(target), fields[name]))
    own = "A data set of one's own stands under the grid's `datasets:`, by its name."
    parts.append(_section("## Data sets", own))
    for model in _formats():
        form = model.model_fields["format"].get_default()
        parts.append(_section(f"### `format: {form}`", _paragraph(model)))
        for name, info in model.model_fields.items():
            if name not in ("name", "format"):
                parts.append(_entry(name, name, info))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _section(heading: str, text: str) -> str:
    return f"\n{heading}\n\n{text}\n"


def _entry(short: str, name: str, info: FieldInfo) -> str:
    also = "" if short == name else f" (`{short}`)"
    default = "needed" if info.is_required() else f"default `{plain(_default(info))}`"
    words = " ".join((info.description or "").split())
    return f"- **`{name}`**{also}: {_type(info.annotation, info.metadata)}; {default}. {words}"


def _default(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True)
    return value.model_dump() if isinstance(value, Settings) else value


def _paragraph(model: type[Settings]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _model(group: Target) -> type[Settings]:
    model: type[Settings] = CellSettings
    for part in group:
        annotation = model.model_fields[part].annotation
        assert is_group(annotation)
        model = annotation
    return model


def _formats() -> Iterator[type[Settings]]:
    union = get_args(DataSettings)[0]
    yield from get_args(union)


def _type(annotation: Any, metadata: list[Any]) -> str:
    """A field's type in words: `number, > 0, < 1, or null`."""
    kind = get_origin(annotation)
    bounds = [
        f"{sign} {plain(getattr(bound, name))}"
        for bound in metadata
        for name, sign in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    if kind is Annotated:
        inner, *more = get_args(annotation)
        return _type(inner, [*more, *metadata])
    if kind in (typing.Union, types.UnionType):
        options = [part for part in get_args(annotation) if part is not type(None)]
        words = " or ".join(_type(option, metadata) for option in options)
        return f"{words}, or null" if type(None) in get_args(annotation) else words
    if kind is Literal:
        return " or ".join(f"`{plain(value)}`" for value in get_args(annotation))
    if kind is tuple:
        inner = get_args(annotation)
        if inner[-1] is Ellipsis:
            return f"a list of {_type(inner[0], [])}s"
        return f"[{', '.join(_type(part, []) for part in inner)}]"
    if is_group(annotation):
        return "{" + ", ".join(annotation.model_fields) + "}"
    return ", ".join([_WORDS[annotation], *bounds])


if __name__ == "__main__":
    print(settings_page(), end="")
