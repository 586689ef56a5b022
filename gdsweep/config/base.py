"""What every settings class has in common."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A typed, immutable group of settings: unknown keys are refused, never ignored.

    The docstring under a field is its documentation; nothing else describes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
