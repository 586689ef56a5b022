"""Published label splits: from the entries of a list to the images of a data set."""

from collections import Counter
from pathlib import PurePath

from gdsweep.config import LabelList
from gdsweep.data.dataset import ImageDataset
from gdsweep.errors import BadInput

# Cityscapes calls a frame's image and its annotations by one name with different ends
_ENDS = ("_leftImg8bit.png", "_gtFine_instanceIds.png", "_gtFine_polygons.json")


def listed_images(dataset: ImageDataset, listed: LabelList) -> list[int]:
    """Indices of the images of `dataset` that a list names or counts, ascending.

    A name is an image's path, or its file's name where only one image has it; frames of Cityscapes
    may be named by their annotation. A number counts the annotated images.

    Raises:
        BadInput: an entry is not in the data set.
    """
    if isinstance(listed.images[0], int):
        return _by_count(dataset, listed)
    places = {name: index for index, name in enumerate(dataset.names)}
    frames = [_frame(name) for name in dataset.names]
    by_frame = {frame: index for index, frame in enumerate(frames)}
    shared = {frame for frame, times in Counter(frames).items() if times > 1}
    found: dict[int, str] = {}
    for entry in map(str, listed.images):
        frame = _frame(entry)
        index = places.get(entry, by_frame.get(frame))
        if index is None:
            raise BadInput(
                f"{listed.where}: {entry} is not among the {len(dataset)} training images, "
                f"{dataset.names[0]} for one"
            )
        if entry not in places and frame in shared:
            raise BadInput(f"{listed.where}: {entry}: several images have this name; give the path")
        if index in found:
            raise BadInput(f"{listed.where}: {entry} and {found[index]} are the same image")
        found[index] = entry
    return sorted(found)


def _by_count(dataset: ImageDataset, listed: LabelList) -> list[int]:
    annotated = dataset.annotated()
    last = int(listed.images[-1])
    if last >= len(annotated):
        raise BadInput(
            f"{listed.where}: image index {last}, but only {len(annotated)} training images have "
            "an annotation: the list is of another data set"
        )
    return [annotated[int(number)] for number in listed.images]


def _frame(name: str) -> str:
    name = PurePath(name).name
    for end in _ENDS:
        name = name.removesuffix(end)
    return name
