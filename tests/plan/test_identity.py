"""`--why`: what makes two runs differ."""

from pathlib import Path

import pytest
from handmade import make_graph

from gdsweep.errors import BadInput
from gdsweep.plan.identity import identity_differences
from gdsweep.plan.request import Request
from gdsweep.runs import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    identities = {
        "shapes-5pct-aaaa": {"seed": 0, "labels": {"percent": 5, "seed": 0}},
        "shapes-5pct-bbbb": {"seed": 0, "labels": {"percent": 5, "seed": 1}, "extra": None},
        "shapes-10pct-cccc": {"seed": 0, "labels": {"percent": 5, "seed": 0}},
    }
    for name, identity in identities.items():
        store.create(make_graph({name: {"iterations": 1}}).runs[name].config, identity)
    return store


def test_differing_keys(store: Store) -> None:
    assert identity_differences(
        "shapes-5pct-a", "shapes-5pct-bbbb", Request(folder=store.root)
    ) == [
        "shapes-5pct-aaaa | shapes-5pct-bbbb",
        "labels.seed: 0 | 1",
        'extra: "(absent)" | null',
    ]


def test_one_identity(store: Store) -> None:
    (line,) = identity_differences("shapes-5pct-a", "shapes-1", Request(folder=store.root))
    assert line == "shapes-5pct-aaaa and shapes-10pct-cccc are the same: no key differs"


def test_names_that_are_not_one_run(store: Store) -> None:
    with pytest.raises(BadInput, match=r"shapes-5: 2 runs begin so: shapes-5pct-aaaa, shapes-5p"):
        identity_differences("shapes-5", "shapes-1", Request(folder=store.root))
    with pytest.raises(BadInput, match=r"table3: no such run in .*; there are: shapes-10pct-c"):
        identity_differences("shapes-1", "table3", Request(folder=store.root))
    with pytest.raises(BadInput, match="there are: none"):
        identity_differences("a", "b", Request(folder=store.root / "empty"))


def test_a_damaged_identity_is_named(store: Store) -> None:
    store.run("shapes-5pct-aaaa").identity.write_text("{")
    with pytest.raises(BadInput, match=r"identity\.json: not readable"):
        identity_differences("shapes-5pct-a", "shapes-5pct-b", Request(folder=store.root))
