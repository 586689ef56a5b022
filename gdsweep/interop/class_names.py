"""Names of a network's classes where its own file does not say."""

from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.interop.open import Opened


def known_classes(opened: Opened) -> tuple[str, ...] | None:
    """The names in the run's data set, if it is a run's checkpoint and the data are here."""
    if opened.classes is not None:
        return opened.classes
    if opened.run is None:
        return None
    try:
        return open_dataset(opened.run.settings.dataset).train.classes
    except BadInput:
        return None


def categories(opened: Opened) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Category ids and names of the network's labels: its data set's, or 0, 1, 2, ..."""
    numbered = tuple(range(opened.class_count))
    if opened.run is not None:
        try:
            train = open_dataset(opened.run.settings.dataset).train
            if len(train.classes) == opened.class_count:
                return train.category_ids, train.classes
        except BadInput:  # the data are not on this machine
            return numbered, opened.classes or _numbered(numbered)
    return numbered, opened.classes or _numbered(numbered)


def _numbered(numbers: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"class {n}" for n in numbers)
