"""Overlapping tiles of an image that is larger than what a network is trained on."""

from dataclasses import dataclass

from gdsweep.errors import BadInput

Box = tuple[int, int, int, int]
"""Top, left, bottom, right, in pixels; bottom and right are beyond it."""


@dataclass(frozen=True)
class Tiling:
    """How images are cut into tiles."""

    size: tuple[int, int]
    """Height and width of a tile, in pixels of the image."""
    overlap: int
    """Pixels that neighbouring tiles share at least."""

    def __post_init__(self) -> None:
        """Raise BadInput where neighbours would have to be one and the same."""
        if not 1 <= self.overlap < min(self.size):
            height, width = self.size
            raise BadInput(
                f"tiles of {height} x {width} pixels cannot overlap by {self.overlap}; "
                f"valid: 1 to {min(self.size) - 1}"
            )

    def fits(self, image: tuple[int, int]) -> bool:
        """Whether an image of this height and width is a single tile: nothing is cut."""
        return image[0] <= self.size[0] and image[1] <= self.size[1]

    def boxes(self, image: tuple[int, int]) -> list[Box]:
        """Tiles of an image of this height and width, row by row.

        As few as share the overlap, spread evenly and none beyond the image; along a side that is
        no longer than a tile's there is one, of the image's length.
        """
        tall, wide = min(self.size[0], image[0]), min(self.size[1], image[1])
        return [
            (top, left, top + tall, left + wide)
            for top in self._starts(image[0], tall)
            for left in self._starts(image[1], wide)
        ]

    def _starts(self, length: int, tile: int) -> list[int]:
        if length <= tile:
            return [0]
        count = -(-(length - self.overlap) // (tile - self.overlap))
        # rounded down: neighbours are never further apart than the overlap allows
        return [place * (length - tile) // (count - 1) for place in range(count)]
