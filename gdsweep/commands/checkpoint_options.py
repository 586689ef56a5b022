"""Command-line options that say which network of a checkpoint is meant."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gdsweep.errors import BadInput

if TYPE_CHECKING:
    from gdsweep.config import ModelSettings


def add_checkpoint_options(p: argparse.ArgumentParser) -> None:
    """Add them to a command line."""
    p.add_argument("--network", choices=("student", "teacher"), help="default: the student")
    p.add_argument("--at", metavar="N", help="of a run: best (default), final or an iteration")
    p.add_argument("--config", type=Path, metavar="FILE", help="YAML of the model's settings")


def read_settings(path: Path | None) -> "ModelSettings | None":
    """The model's settings in a YAML file: by themselves, or a run's whole config.yaml.

    Raises:
        BadInput: no such file, or no model settings in it.
    """
    import yaml  # both take their time: --help does without

    from gdsweep.config import ModelSettings

    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key in ("settings", "model"):
            content = content.get(key, content)
        return ModelSettings.model_validate(content)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{path}: no model settings: {reason}") from None
