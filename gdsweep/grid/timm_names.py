"""The names of timm's models, read from its source: importing timm would import torch."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_HUB = re.compile(r"hf-hub:[\w.-]+/[\w.-]+")
_NAME = re.compile(r"([a-z0-9][A-Za-z0-9_]*)(\.[A-Za-z0-9_]+)?")
_REGISTERED = re.compile(rb"^@register_model\s+def (\w+)\(", re.MULTILINE)


@cache
def architectures() -> frozenset[str]:
    """Names of the architectures of the installed timm; empty where there is none."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin).parent / "models"
    found = (
        name for file in folder.glob("*.py") for name in _REGISTERED.findall(file.read_bytes())
    )
    return frozenset(name.decode() for name in found)


def is_timm_name(name: str) -> bool:
    """Whether `name` can be a timm model: `resnet50`, `resnet50.a1_in1k`, `hf-hub:org/model`.

    The tag of the weights is timm's to judge; without timm, so is the architecture.
    """
    if _HUB.fullmatch(name):
        return True
    match = _NAME.fullmatch(name)
    if match is None or name.isdigit():
        return False
    return match[1] in architectures() or not architectures()
