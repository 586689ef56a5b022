"""A run's name and what it says of the run's identity."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.runs import RunDir, identity_digest, is_named_by, read_identity, run_name

IDENTITY = {"seed": 0, "model": {"hidden": 8}}


def test_a_name_ends_in_the_digest() -> None:
    # sha256 of the JSON with sorted keys and no spaces: what every store is named by
    digest = "efb5b977ca1cb824ad5ba718cda6fac8ec3c8479f815c542bbef5a204155c461"
    assert identity_digest(IDENTITY) == identity_digest(dict(reversed(IDENTITY.items()))) == digest
    assert run_name("shapes-s0", IDENTITY) == f"shapes-s0-{digest[:8]}"
    assert is_named_by(run_name("any", IDENTITY), IDENTITY)
    assert not is_named_by(run_name("any", IDENTITY), {**IDENTITY, "seed": 1})


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    run = RunDir(tmp_path)
    if content is not None:
        run.identity.write_text(content)
    with pytest.raises(BadInput, match=r"identity\.json: not readable"):
        read_identity(run)
