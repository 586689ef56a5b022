"""Names that say what a run is: words for people, and the hash of what can change its weights."""

import glob
import hashlib
import json
from typing import Any

from gdsweep.errors import BadInput
from gdsweep.runs.layout import RunDir

_DIGITS = 8
"""Hexadecimal digits of an identity's digest in a run's name."""


def identity_digest(identity: dict[str, Any]) -> str:
    """SHA-256 of an identity, whatever the order of its keys."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def run_name(words: str, identity: dict[str, Any]) -> str:
    """Directory name of a run: readable `words`, and the beginning of its identity's digest."""
    return f"{words}-{identity_digest(identity)[:_DIGITS]}"


def namesake_pattern(name: str) -> str:
    """Pattern of all names with the words of `name`, whatever their identities."""
    return f"{glob.escape(name.rpartition('-')[0])}-{'?' * _DIGITS}"


def is_named_by(name: str, identity: dict[str, Any]) -> bool:
    """Whether a run's name ends in the digest of this identity."""
    return name.endswith(f"-{identity_digest(identity)[:_DIGITS]}")


def read_identity(run: RunDir) -> dict[str, Any]:
    """What was hashed into a run's name.

    Raises:
        BadInput: no such run, or a record that is not readable.
    """
    try:
        content = json.loads(run.identity.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{run.identity}: not readable ({error})") from None
    if not isinstance(content, dict):
        raise BadInput(f"{run.identity}: not readable (no mapping)")
    return content
