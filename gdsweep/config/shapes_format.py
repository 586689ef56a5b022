"""Generated scenes; see `gdsweep.data.shapes`."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from gdsweep.config.format_base import DataFormat


class ShapesData(DataFormat):
    """Generated scenes of textured, occluding, rotated shapes over clutter; no download."""

    opener: ClassVar[str] = "gdsweep.data.shapes:open_shapes"

    format: Literal["shapes"] = "shapes"
    size: int = Field(64, ge=32, multiple_of=32)
    """Side of the square scene, in pixels."""
    train: int = Field(2000, ge=1)
    """Number of training scenes, labelled and unlabelled together."""
    val: int = Field(200, ge=1)
    """Number of validation scenes: the best checkpoint is chosen on them."""
    test: int = Field(500, ge=1)
    """Number of test scenes: the reported score is measured on them."""
    world: int = 0
    """Seed of the scenes themselves (not of a run)."""
    objects: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=4)]] = (2, 4)
    """Fewest and most objects of a scene."""
    radius: tuple[Annotated[float, Field(ge=4)], Annotated[float, Field(le=24)]] = (9, 15)
    """Smallest and largest radius of an object, in pixels of a 64 x 64 scene."""

    @model_validator(mode="after")
    def _ascending(self) -> "ShapesData":
        for name, (low, high) in (("objects", self.objects), ("radius", self.radius)):
            if low > high:
                raise ValueError(f"{name}: {low} to {high} is no range")
        return self

    def miniature(self, folder: Path) -> "ShapesData":
        """Fewer scenes."""
        return ShapesData(name=self.name, train=40, val=4, test=4)

    def identity(self, extra: bool | None) -> dict[str, Any]:
        """All settings; the younger ones only where set, so that old runs keep their names."""
        younger = {"objects", "radius"} - self._changed()
        return self.model_dump(mode="json", exclude=younger)

    def _changed(self) -> set[str]:
        fields = type(self).model_fields
        return {name for name in fields if getattr(self, name) != fields[name].get_default()}
