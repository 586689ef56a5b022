"""gdsweep's own files of weights, with what it takes to use them without their run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from gdsweep import atomic
from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.files import Content

FORMAT = 1
"""The trainer's version of checkpoints; its files and these are read by the same code."""


@dataclass(frozen=True)
class WeightsFile:
    """One network of a file."""

    network: str
    """`student` or `teacher`."""
    weights: dict[str, Tensor]
    """By our names."""
    iteration: int
    """Iteration of the training that made them; 0 for others' weights."""
    settings: ModelSettings | None
    """How to build the network; a run's own checkpoints leave that to the run's config.yaml."""
    classes: tuple[str, ...] | None
    """Names of the classes, if known."""


def is_weights_file(content: Content) -> bool:
    """Whether a file is one of ours: a checkpoint of a run, or converted weights."""
    return "format" in content.extra and any(n in content.extra for n in ("student", "teacher"))


def read_weights_file(content: Content, path: Path, network: str | None) -> WeightsFile:
    """One network of a file of ours; the student where none is named and it has both.

    Raises:
        BadInput: another version, a damaged file, or no such network in it.
    """
    extra = content.extra
    if extra.get("format") != FORMAT:
        raise BadInput(f"{path}: format {extra.get('format')}; this gdsweep reads format {FORMAT}")
    present = [name for name in ("student", "teacher") if isinstance(extra.get(name), dict)]
    wanted = network or (present or ["student"])[0]
    if wanted not in present:
        raise BadInput(f"{path}: holds no {wanted} network; it has: {', '.join(present) or 'none'}")
    try:
        given = extra.get("settings")
        settings = None if given is None else ModelSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path}: its model settings: {where}: {first['msg']}") from None
    classes = extra.get("classes")
    return WeightsFile(
        wanted,
        dict(extra[wanted]),
        int(extra.get("iteration", 0)),
        settings,
        None if classes is None else tuple(map(str, classes)),
    )


def write_weights_file(
    path: Path,
    weights: dict[str, Tensor],
    settings: ModelSettings,
    classes: Sequence[str] | None,
    source: str,
) -> None:
    """Write weights as a file that a grid's `init`, `predict` and `convert` take.

    Args:
        path: the file to make, whole or not at all.
        weights: a complete state dict by our names.
        settings: how to build the network; where its backbone's weights came from is left out.
        classes: names of the classes, if known.
        source: where the weights came from, for `inspect`.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "student": {name: tensor.contiguous() for name, tensor in weights.items()},
        "iteration": 0,
        "settings": settings.model_copy(update={"weights": "random", "init": None}).model_dump(
            mode="json"
        ),
        "classes": None if classes is None else list(classes),
        "source": source,
    }
    with atomic.replacing(path) as temporary:
        torch.save(content, temporary)
