"""Why two runs are not one: the keys of their identities that differ."""

from collections.abc import Mapping
from typing import Any

_ABSENT = "(absent)"


def why(identity_a: Mapping[str, Any], identity_b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Dotted key, value in A and value in B of everything that differs; empty for one identity."""
    a, b = _flat(identity_a), _flat(identity_b)
    return [
        (key, a.get(key, _ABSENT), b.get(key, _ABSENT))
        for key in dict.fromkeys([*a, *b])
        if a.get(key, _ABSENT) != b.get(key, _ABSENT)
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            found |= _flat(item, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = list(item) if isinstance(item, tuple) else item
    return found
