"""The annotation files of Cityscapes, and the digest that runs remember of them."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from gdsweep.config.data import CityscapesData

IMAGE = "_leftImg8bit.png"
"""How an image's name ends."""
ENDS = {"instance-ids": "_gtFine_instanceIds.png", "polygons": "_gtFine_polygons.json"}
"""How the name of its annotation ends, by `masks`."""


def combined(digests: Iterable[tuple[str, str]]) -> str:
    """One digest of pairs in the order of names: an image and its annotation file's sha256."""
    total = hashlib.sha256()
    for name, sha256 in digests:
        total.update(f"{name} {sha256}\n".encode())
    return total.hexdigest()


def last_written(data: CityscapesData, split: str) -> float:
    """Time of the newest file or folder among a split's annotations; raises OSError without them.

    A listing and a stat a file; nothing is read.
    """
    folder = data.resolved("") / "gtFine" / split
    times = [folder.stat().st_mtime]
    for city in os.scandir(folder):
        times.append(city.stat().st_mtime)
        if city.is_dir():
            end = ENDS[data.masks]
            times += [f.stat().st_mtime for f in os.scandir(city) if f.name.endswith(end)]
    return max(times)


def digest(data: CityscapesData, split: str) -> str:
    """The digest of a split's annotation files as they are now; raises OSError without them."""
    folder, end = data.resolved("") / "gtFine" / split, ENDS[data.masks]
    found: dict[str, Path] = {}
    for path in folder.glob(f"*/*{end}"):
        found[f"{path.parent.name}/{path.name.removesuffix(end)}{IMAGE}"] = path
    return combined(
        (name, hashlib.sha256(found[name].read_bytes()).hexdigest()) for name in sorted(found)
    )
