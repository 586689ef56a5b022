"""Colours by which the instances of one image are told apart."""

from collections.abc import Sequence

import numpy as np

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (204, 121, 167), (0, 158, 115), (213, 94, 0), (86, 180, 233),
    (240, 228, 66), (148, 52, 176), (154, 205, 50), (178, 24, 43), (64, 224, 208), (139, 90, 43),
)  # fmt: skip
"""Okabe and Ito's colours, then five that differ from them in lightness too."""

_NEAR = 3  # pixels around an instance in which its neighbours stand


def told_apart(
    masks: Sequence[np.ndarray],
    given: Sequence[int | None] | None = None,
    avoided: Sequence[int] = (),
) -> list[int]:
    """A place in PALETTE for each of some masks, boolean [H, W], the same for the same masks.

    Instances that touch differ as long as there are colours. `given` are places that some have
    already; `avoided` ones are taken last.
    """
    given = [None] * len(masks) if given is None else given
    chosen = list(given)
    if not masks:
        return []
    held = np.zeros(masks[0].shape, np.int64)  # 0 for nobody, then the place and 1
    for mask, place in zip(masks, given, strict=True):
        if place is not None:
            held[mask] = place + 1
    for number, mask in enumerate(masks):
        if chosen[number] is not None:
            continue
        around = np.bincount(held[_surroundings(mask)].ravel(), minlength=len(PALETTE) + 1)[1:]
        cost = around.astype(float)
        cost[list(avoided)] += 0.5
        order = np.roll(np.arange(len(PALETTE)), -number)
        place = int(order[np.argmin(cost[order])])
        chosen[number] = place
        held[mask] = place + 1
    return [int(place) for place in chosen if place is not None]


def _surroundings(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if not len(rows):
        return slice(0), slice(0)
    return (
        slice(max(rows[0] - _NEAR, 0), rows[-1] + 1 + _NEAR),
        slice(max(columns[0] - _NEAR, 0), columns[-1] + 1 + _NEAR),
    )


def outline(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """The pixels of a mask, boolean [H, W], within `width` of its edge; the picture's border is
    no edge."""
    inner = mask.copy()
    for _ in range(width):
        before = inner.copy()
        inner[1:] &= before[:-1]
        inner[:-1] &= before[1:]
        inner[:, 1:] &= before[:, :-1]
        inner[:, :-1] &= before[:, 1:]
    return mask & ~inner
