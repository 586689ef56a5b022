"""From our names of tensors to theirs, by tables of patterns."""

import re
from collections.abc import Sequence
from functools import cache

Table = Sequence[tuple[str, str]]
"""(ours, theirs), the first that fits counts. `{a}` is a number, `*` the rest of the name; theirs
may have `{a+1}` or `{a-1}`, and `{q|k|v}` where several tensors of theirs, stacked along the first
axis, are one of ours."""


def names_of(name: str, table: Table) -> tuple[str, ...]:
    """Their names of the tensors that make up `name`; none where the table does not know it."""
    for left, right in table:
        match = _pattern(left).fullmatch(name)
        if match:
            return _alternatives(_filled(right, match.groupdict()))
    return ()


@cache
def _pattern(left: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\}|\*)", left)
    made = (
        "(?P<rest>.+)"
        if part == "*"
        else f"(?P<{part[1:-1]}>\\d+)"
        if part.startswith("{")
        else re.escape(part)
        for part in parts
    )
    return re.compile("".join(made))


def _filled(right: str, found: dict[str, str]) -> str:
    def number(match: re.Match[str]) -> str:
        return str(int(found[match[1]]) + int(match[2] or 0))

    filled = re.sub(r"\{([a-z])([+-]\d)?\}", number, right)
    return filled.replace("*", found.get("rest", ""))


def _alternatives(name: str) -> tuple[str, ...]:
    match = re.search(r"\{([^}]*\|[^}]*)\}", name)
    if match is None:
        return (name,)
    return tuple(name[: match.start()] + word + name[match.end() :] for word in match[1].split("|"))
