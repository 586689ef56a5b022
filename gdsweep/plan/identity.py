"""Why two runs are not one: the keys in which their identities differ."""

import json
from typing import Any

from gdsweep.errors import BadInput
from gdsweep.grid import why
from gdsweep.plan.request import Request
from gdsweep.runs import RunDir, Store, read_identity


def identity_differences(first: str, second: str, request: Request) -> list[str]:
    """The two runs' names, then one line a differing key, the first run's value first.

    Runs are named in full or by unique prefixes, and looked up in the request's store and among
    those that its grids would make. Raises BadInput.
    """
    store = request.store
    planned = {name: t.identity for name, t in request.graph.runs.items()}
    names = sorted({*planned, *_existing(store)})
    left, right = _find(first, names, store), _find(second, names, store)
    differing = why(_identity(left, planned, store), _identity(right, planned, store))
    if not differing:
        return [f"{left} and {right} are the same: no key differs"]
    lines = [f"{key}: {_text(a)} | {_text(b)}" for key, a, b in differing]
    return [f"{left} | {right}", *lines]


def _existing(store: Store) -> list[str]:
    try:
        return [path.name for path in store.root.iterdir() if RunDir(path).identity.exists()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _find(prefix: str, names: list[str], store: Store) -> str:
    if prefix in names:
        return prefix
    found = [name for name in names if name.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    shown = found or names
    listed = ", ".join(shown[:6]) + (", ..." if len(shown) > 6 else "")
    if found:
        raise BadInput(f"{prefix}: {len(found)} runs begin so: {listed}")
    raise BadInput(f"{prefix}: no such run in {store.root}; there are: {listed or 'none'}")


def _identity(name: str, planned: dict[str, dict[str, Any]], store: Store) -> dict[str, Any]:
    if name in planned:
        return planned[name]
    return read_identity(store.run(name))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
