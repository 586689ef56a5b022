"""How axes, their values and numbers are put before a reader."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gdsweep.config import METRICS

Names = Mapping[str, Mapping[Any, str]]
"""Axis -> value -> what is shown for it, from the grid's layout."""

AXES = {"labels": "Labels", "burn_in": "Burn-in", "lambda_u": "λ_u", "backbone": "Backbone"}
"""Headings of axes that are not just their name with a capital."""


def heading(axis: str) -> str:
    """An axis as a column heading."""
    last = axis.rsplit(".", 1)[-1]
    return AXES.get(last, last.replace("_", " ").capitalize())


def display_name(axis: str, value: Any, names: Names) -> str:
    """An axis value as the grid names it; percentages with their sign otherwise."""
    if value in names.get(axis, {}):
        return names[axis][value]
    if axis == "labels" and isinstance(value, int | float):
        return f"{value:g} %"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def metrics_and_units(keys: Iterable[str], place: str) -> str:
    """What numbers are of, where, and in which unit: `Mask AP on the test images, in percent`."""
    by_unit: dict[str, list[str]] = {}
    for key in keys:
        by_unit.setdefault(METRICS[key].unit, []).append(METRICS[key].words)
    return "; ".join(
        f"{' and '.join(words)} on the {place} images, in {unit}" for unit, words in by_unit.items()
    )


def line_names(
    axes: Sequence[str], keys: Iterable[tuple[Any, ...]], names: Names
) -> dict[tuple[Any, ...], str]:
    """One name per combination of values: what is shown of each, joined.

    A value that is the only one beside those before it tells nothing and is left out: of a
    supervised line nobody asks how its unlabelled images are augmented.
    """
    distinct = list(dict.fromkeys(keys))
    found = {}
    for key in distinct:
        words = []
        for place, (axis, value) in enumerate(zip(axes, key, strict=True)):
            beside = {other[place] for other in distinct if other[:place] == key[:place]}
            if len(beside) > 1 or place == 0:
                words.append(display_name(axis, value, names))
        found[key] = " ".join(word for word in words if word)
    return found


def in_order(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Distinct keys, grouped level by level; numbers ascend, other values keep their order.

    Values of one level are ordered within their group, so an axis that depends on another (labels
    by data set) has its own order in each.
    """
    distinct = list(dict.fromkeys(keys))
    if not distinct or not distinct[0]:
        return distinct
    ordered = []
    for first in _level(key[0] for key in distinct):
        rest = in_order(key[1:] for key in distinct if key[0] == first)
        ordered += [(first, *tail) for tail in rest]
    return ordered


def _level(values: Iterable[Any]) -> list[Any]:
    distinct = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) for value in distinct):
        return sorted(distinct)
    return distinct


def number(value: float) -> str:
    """A metric in percent, with the one decimal that papers print."""
    return f"{value:.1f}"


def signed(value: float) -> str:
    """A difference of metrics, with its sign."""
    return f"{round(value, 1) + 0.0:+.1f}"  # the sum makes -0.0 a plain 0.0


def iterations(values: Iterable[int]) -> str:
    """One iteration, or the range over seeds: `4,000`, `3,500-4,000`."""
    low, high = min(found := list(values)), max(found)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def spans(keys: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], int, int]]:
    """Runs of equal neighbours: the key, and the first and last place it has."""
    found: list[tuple[tuple[str, ...], int, int]] = []
    for place, key in enumerate(keys):
        if found and found[-1][0] == key:
            found[-1] = (key, found[-1][1], place)
        else:
            found.append((key, place, place))
    return found
