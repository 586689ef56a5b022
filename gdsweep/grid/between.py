"""Values between the entries of a table: what is set for some values of an axis, for any other."""

import bisect
import math
from dataclasses import dataclass

from gdsweep.grid.yaml_lines import plain

Number = int | float


@dataclass(frozen=True)
class Between:
    """A number that is known at some values of an axis of positive numbers.

    Between two of them it is interpolated, linearly in the axis' logarithm, since labels are halved
    and doubled rather than added; beyond the ends it is that of the nearest.
    """

    axis: str
    """The axis, by its short name."""
    points: tuple[tuple[float, Number], ...]
    """Value of the axis, ascending, and the number there; one at least."""

    def at(self, value: float) -> Number:
        """The number at a value of the axis; a whole one, to three digits, where all points are."""
        places = [place for place, _ in self.points]
        after = bisect.bisect_left(places, value)
        if after < len(places) and places[after] == value:
            return self.points[after][1]
        if after in (0, len(places)):
            return self.points[min(after, len(places) - 1)][1]
        (left, low), (right, high) = self.points[after - 1 : after + 1]
        share = math.log(value / left) / math.log(right / left)
        found = low + share * (high - low)
        if all(isinstance(number, int) for _, number in self.points):
            digits = 3 - len(str(int(abs(found))))
            return int(round(found, min(digits, 0)))
        return found

    def derivation(self, value: float) -> str | None:
        """How the number at a value was found, in words; None where it is one of the points."""
        places = [place for place, _ in self.points]
        after = bisect.bisect_left(places, value)
        if after < len(places) and places[after] == value:
            return None
        if after in (0, len(places)):
            place, _ = self.points[min(after, len(places) - 1)]
            return f"that of {self._word(place)}, the nearest there is"
        (left, low), (right, high) = self.points[after - 1 : after + 1]
        return (
            f"between {low:,} at {self._word(left)} and {high:,} at {self._word(right)}, "
            "interpolated"
        )

    def _word(self, place: float) -> str:
        return f"{place:.10g} %" if self.axis == "labels" else f"{self.axis} {plain(place)}"
