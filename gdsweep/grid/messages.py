"""Faults of a value against a type, in words taken from the type itself."""

import json
import types
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import TypeAdapter, ValidationError

from gdsweep.config import Settings
from gdsweep.grid.names import BASICS, Target, is_group, leaves, nearest
from gdsweep.grid.yaml_lines import KeyPath, plain

Fault = tuple[KeyPath, str]
"""Where, below the value that was looked at, and what is wrong there."""

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_TRUTH = {**dict.fromkeys(("yes", "y", "on"), "true"), **dict.fromkeys(("no", "n", "off"), "false")}
_MANY = {int: "whole numbers", float: "numbers", str: "words"}


def find_fault(annotation: Any, value: Any, limits: Sequence[Any] = ()) -> Fault | None:
    """The first thing wrong with `value` as an `annotation`; None where it is right.

    Groups of settings are walked key by key: unknown keys, missing keys, then each value. Types are
    strict: "5" is no number, true is no number, and a whole number is a number.
    """
    parts = _parts(annotation)
    if value is None and type(None) in parts:
        return None
    groups = [part for part in parts if is_group(part)]
    if groups:
        return _group_fault(groups, value)
    mappings = [part for part in parts if get_origin(part) is dict]
    if isinstance(value, dict) and mappings:
        annotation = mappings[0]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list and isinstance(value, list):
        return _inside(arguments[0], enumerate(value))
    if origin is dict and isinstance(value, dict):
        for key in value if arguments[0] is str else ():
            if not isinstance(key, str):
                return (key,), f"{plain(key)} is not a word; quote it if it is meant as a name"
        return _inside(arguments[1], value.items())
    try:
        _adapter(annotation, tuple(limits)).validate_json(json.dumps(value), strict=True)
    except (ValidationError, TypeError):
        hint = ""
        if isinstance(value, str):
            hint = nearest(_TRUTH.get(value.lower(), value), _choices(annotation))
        said = f"{plain(value)} is not {accepts(annotation, limits)}"
        return (), said + (hint if "did you mean" in hint else "")
    return None


def _group_fault(groups: Sequence[type[Settings]], value: Any) -> Fault | None:
    if not isinstance(value, dict):
        return (), f"{plain(value)} is not a mapping ({', '.join(groups[0].model_fields)})"
    group = groups[0]
    if len(groups) > 1:
        formats = {model.model_fields["format"].default: model for model in groups}
        if "format" not in value:
            return (), f"format is missing: {_either(list(formats))}"
        said = value["format"]
        if not isinstance(said, str) or said not in formats:
            return ("format",), f"no format is called {plain(said)}{nearest(said, formats)}"
        group = formats[said]
    fields = {info.alias or name: info for name, info in group.model_fields.items()}
    for key in value:
        if key not in fields:
            return (key,), f"unknown key{nearest(key, fields)}"
    for key, info in fields.items():
        if key in value:
            fault = find_fault(info.annotation, value[key], info.metadata)
            if fault is not None:
                return (key, *fault[0]), fault[1]
        elif info.is_required():
            return (), f"{key} is missing: {accepts(info.annotation, info.metadata)}"
    return None


def _inside(annotation: Any, items: Iterable[tuple[Any, Any]]) -> Fault | None:
    for key, item in items:
        fault = find_fault(annotation, item)
        if fault is not None:
            return (key, *fault[0]), fault[1]
    return None


def setting_fault(target: Target, value: Any) -> str | None:
    """Why the setting `target` cannot have `value`; None where it can."""
    info = leaves()[target]
    fault = find_fault(info.annotation, value, info.metadata)
    if fault is None:
        return None
    if target == BASICS["labels"]:
        return f"{plain(value)} is not a percentage (more than 0, at most 100)"
    if target == BASICS["method"]:
        return f"no method is called {plain(value)}{nearest(value, _choices(info.annotation))}"
    return fault[1]


@cache
def _adapter(annotation: Any, limits: tuple[Any, ...]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[(annotation, *limits)] if limits else annotation)


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the type alone."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _parts(get_args(annotation)[0])
    return get_args(annotation) if origin in (Union, types.UnionType) else (annotation,)


def _choices(annotation: Any) -> list[Any]:
    parts = _parts(annotation)
    words = [c for part in parts if get_origin(part) is Literal for c in get_args(part)]
    return [*words, "true", "false"] if bool in parts else words


def accepts(annotation: Any, limits: Sequence[Any] = ()) -> str:
    """What a type takes, in words: `a whole number (at least 1)`, `best, final or null`."""
    said = []
    for part in _parts(annotation):
        origin, arguments = get_origin(part), get_args(part)
        if origin is Literal:
            said += [plain(value) for value in arguments]
        elif origin is tuple:
            count = "" if arguments[-1] is ... else f"{len(arguments)} "
            said.append(f"a list of {count}{_MANY[arguments[0]]}")
        elif origin is list:
            said.append("a list")
        elif part is dict or origin is dict or is_group(part):
            said.append("a mapping")
        else:
            said.append(
                _WORDS.get(part, "null") + (_limits(limits) if part in (int, float) else "")
            )
    return _either(said)


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _limits(limits: Sequence[Any]) -> str:
    said = []
    for limit in limits:
        if isinstance(limit, Ge):
            said.append(f"at least {limit.ge}")
        elif isinstance(limit, Gt):
            said.append(f"more than {limit.gt}")
        elif isinstance(limit, Le):
            said.append(f"at most {limit.le}")
        elif isinstance(limit, Lt):
            said.append(f"less than {limit.lt}")
        elif isinstance(limit, MultipleOf):
            said.append(f"a multiple of {limit.multiple_of}")
    return f" ({', '.join(said)})" if said else ""
