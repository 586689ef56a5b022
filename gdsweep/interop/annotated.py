"""Annotated objects of images that are predicted on, to be drawn beside the predictions."""

from collections.abc import Sequence
from pathlib import Path

from gdsweep.data.annotations import read_annotations
from gdsweep.data.coco import CocoDataset
from gdsweep.data.instances import Targets
from gdsweep.errors import BadInput


class Annotated:
    """The objects that a COCO file has for each of some images."""

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        """Find each image in the file by its name, folders included as far as both have them.

        Args:
            path: COCO instances JSON.
            files: The images.

        Raises:
            BadInput: the file cannot be read, or an image is in it not at all or more than once.
        """
        self._dataset = CocoDataset(path.parent, read_annotations(path, str(path)))
        self._path = path
        places: dict[str, list[int]] = {}
        for index, name in enumerate(self._dataset.names):
            places.setdefault(Path(name).name, []).append(index)
        self._index = {file: self._find(file, places.get(file.name, [])) for file in files}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return self._dataset.classes

    def of(self, file: Path, size: tuple[int, int]) -> Targets:
        """Objects of one of the images, whose height and width are `size`; crowds are left out.

        Raises:
            BadInput: the COCO file says that the image has another size.
        """
        index = self._index[file]
        if self._dataset.size(index) != size:
            height, width = self._dataset.size(index)
            raise BadInput(
                f"{file}: {size[1]} x {size[0]} pixels, and {width} x {height} in {self._path}"
            )
        return self._dataset.instances(index)

    def _find(self, file: Path, candidates: list[int]) -> int:
        whole = file.resolve().as_posix()
        names = [self._dataset.names[index].replace("\\", "/") for index in candidates]
        found = [
            index
            for index, name in zip(candidates, names, strict=True)
            if whole.endswith(f"/{name.removeprefix('./')}")
        ]
        if len(found) != 1:
            many = "not among its images" if not found else "more than one of its images"
            raise BadInput(f"{self._path}: {file} is {many}, which are told by their file_name")
        return found[0]
