"""The formats a data set can be in: every `*_format.py` of this folder; nothing else lists them.

A format answers what is asked of a data set without opening it; see `format_base`.
"""

import importlib
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gdsweep.config.format_base import DataFormat


def _formats() -> dict[str, type[DataFormat]]:
    found = {}
    for path in sorted(Path(__file__).parent.glob("*_format.py")):
        module = importlib.import_module(f"gdsweep.config.{path.stem}")
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, DataFormat):
                word = model.model_fields["format"].default
                if isinstance(word, str):
                    found[word] = model
    return found


FORMATS = _formats()
"""Settings of each format, by what a grid writes as `format`."""

if TYPE_CHECKING:
    DataSettings = DataFormat
else:
    DataSettings = Annotated[reduce(or_, FORMATS.values()), Field(discriminator="format")]
