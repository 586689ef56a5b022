"""One number of a table."""

from dataclasses import dataclass, field

from gdsweep.config import CellSettings
from gdsweep.grid.assignments import Scalar
from gdsweep.grid.names import BASICS
from gdsweep.grid.yaml_lines import plain


@dataclass(frozen=True, eq=False)
class Cell:
    """One combination of axis values, with everything that follows from it."""

    axes: dict[str, Scalar]
    """Axis to value, in the grid's order, under the axes' short names."""
    settings: CellSettings
    """All settings, resolved."""
    supervised: CellSettings | None = None
    """Settings of the supervised cell with the same other axes, whose run is this cell's teacher;
    None where the method needs no pre-trained teacher."""
    coordinates: dict[str, Scalar] = field(default_factory=dict)
    """`axes`, and of dataset, labels, backbone, method and seed those that no axis gives."""
    metrics: tuple[str, ...] = ()
    """Keys of the metrics on demand that its grid shows."""

    @property
    def label(self) -> str:
        """The cell in words: `shapes 5 % guided seed 0`."""
        return " ".join(_word(name, value) for name, value in self.axes.items())


def _word(name: str, value: Scalar) -> str:
    if name == "labels":
        return f"{plain(value)} %"
    if name in BASICS and name != "seed":
        return plain(value)
    return f"{name} {plain(value)}"
