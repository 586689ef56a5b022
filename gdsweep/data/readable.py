"""Whether the images of a data set can be read, before anything is trained on them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gdsweep.config.format_base import Scaling
from gdsweep.data.dataset import Images
from gdsweep.data.image_file import image_fault
from gdsweep.errors import BadInput

THREADS = 16
"""Files looked at together: on a network file system each takes its time."""
TOLD = 3
"""Files that a message names."""


@dataclass(frozen=True)
class Part:
    """Some images of one image set."""

    name: str
    """The image set: train, val, test or unlabelled."""
    images: Images
    """Its images."""
    indices: Sequence[int]
    """Those that are meant."""
    size: Callable[[int], tuple[int, int] | None] = lambda _: None
    """Height and width of an image as its annotations state them; None where none do."""

    def files(self) -> Iterator[tuple[str, Path, tuple[int, int] | None]]:
        """Name, file, and stated height and width of each image that is in a file."""
        for index in self.indices:
            path = self.images.path(index)
            if path is not None:
                yield self.images.names[index], path, self.size(index)


def check_readable(data: str, parts: Sequence[Part], scaling: Scaling = "full") -> None:
    """Look at the header and the end of every image file of a data set called `data`.

    `scaling` is how its images of more than 8 bits are read.

    Raises:
        BadInput: some cannot be read or have another size than their annotations say.
    """
    faults = []
    for part in parts:
        files = list(part.files())
        with ThreadPoolExecutor(THREADS) as threads:
            found = threads.map(lambda file: image_fault(file[1], file[2], scaling), files)
            bad = [(name, fault) for (name, _, _), fault in zip(files, found, strict=True) if fault]
        if bad:
            named = "; ".join(f"{name}: {fault}" for name, fault in bad[:TOLD])
            more = f"; and {len(bad) - TOLD} more" if len(bad) > TOLD else ""
            faults.append(
                f"{part.name}: {len(bad)} of {len(files)} images cannot be used: {named}{more}"
            )
    if faults:
        raise BadInput(f"{data}: {'. '.join(faults)}")
