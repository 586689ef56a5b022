"""Image files: their pixels, and what their first and last bytes tell of them."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, UnidentifiedImageError
from torch import Tensor

from gdsweep.config.format_base import Scaling
from gdsweep.config.intensity import fault, opened, rgb
from gdsweep.data.stand_in import stand_in
from gdsweep.errors import BadInput

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# Pillow refuses more than 179 million pixels, lest a stranger's file fill the memory. Data sets are
# the user's own, and scans and aerial photographs are as large
Image.MAX_IMAGE_PIXELS = None

_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_TAIL = 4096  # bytes at the end of a file that are looked at


def read_annotated(path: Path, stated: tuple[int, int], scaling: Scaling = "full") -> Tensor:
    """The pixels of an image file whose annotation states this height and width.

    Raises:
        BadInput: as `read_image`, or the image has another size.
    """
    image = read_image(path, scaling)
    size = (image.shape[1], image.shape[2])
    if size != stated:
        raise BadInput(f"{path}: {_size_fault(size, stated)}")
    return image


def read_image(path: Path, scaling: Scaling = "full") -> Tensor:
    """The pixels of an image file: RGB, uint8 [3, H, W].

    Its EXIF orientation is applied, as detectron2 does. Grey, palette and CMYK images are converted
    to RGB, and transparency is dropped. More than 8 bits become 8 as `scaling` says; of 16 bits the
    upper 8 are kept where nothing is said.

    Raises:
        BadInput: there is no such file, it is not an image or a stack of several, it is not
            complete, or it cannot be scaled so.
    """
    try:
        with opened(path) as image:
            pixels = np.array(rgb(image, scaling))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such image file") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet
        raise BadInput(f"{path}: not a readable image: {fault_reason(path, error)}") from None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def image_fault(
    path: Path, size: tuple[int, int] | None = None, scaling: Scaling = "full"
) -> str | None:
    """Why an image file cannot be read or has another size than `size`; None where all is well.

    Only the file's header and end are looked at; it is decoded where these do not settle it.
    `size` is height and width after the EXIF orientation.
    """
    try:
        with opened(path) as image:
            found, settled = _turned_size(image), _has_end(path, image.format)
            reason = fault(image, scaling)
        if reason is not None:
            return reason
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet
        return fault_reason(path, error)
    if not settled or (size is not None and found != size):
        try:
            height, width = read_image(path, scaling).shape[1:]
        except BadInput as problem:
            return str(problem).removeprefix(f"{path}: not a readable image: ")
        found = (height, width)
    if size is not None and found != size:
        return _size_fault(found, size)
    return None


def _size_fault(found: tuple[int, int], stated: tuple[int, int]) -> str:
    """That an image has another size than its annotations say; each is height and width."""
    return (
        f"the image is {found[0]} pixels high and {found[1]} wide (EXIF orientation applied), its "
        f"annotation {stated[0]} and {stated[1]}"
    )


def image_names(folder: Path) -> tuple[list[str], int]:
    """Paths of all image files in a folder and below, relative to it, in alphabetical order.

    Hidden files and folders are left out: `._a.jpg` is a Mac's note on `a.jpg`, and
    `.ipynb_checkpoints` holds copies. No folder is entered twice, nor one around `folder`, wherever
    links lead. The second result is how many image files and links were left out.
    """
    names: list[str] = []
    left_out = 0
    start = os.path.realpath(folder)
    entered = {start}
    for place, folders, files in os.walk(folder, followlinks=True):
        inside = Path(place).relative_to(folder)
        images = [f for f in files if Path(f).suffix.lower() in SUFFIXES]
        names += [(inside / f).as_posix() for f in images if not f.startswith(".")]
        left_out += sum(f.startswith(".") for f in images)
        below = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(place, name))
            around = os.path.commonpath([real, start]) == real
            if real in entered or around:
                left_out += 1
            elif not name.startswith("."):
                entered.add(real)
                below.append(name)
        folders[:] = below
    return sorted(names), left_out


def _turned_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    # asking a PNG for EXIF that does not come first decodes it
    turned = (image.format != "PNG" or "exif" in image.info) and (
        image.getexif().get(ExifTags.Base.Orientation) in _TURNED
    )
    return (width, height) if turned else (height, width)


def _has_end(path: Path, kind: str | None) -> bool:
    # whether a file ends as its format does; False where that is not known without decoding it
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        file.seek(4)
        stated = int.from_bytes(file.read(4), "little")
    match kind:
        case "JPEG" | "MPO":
            return b"\xff\xd9" in tail
        case "PNG":
            return b"IEND" in tail
        case "WEBP":
            return size >= stated + 8
    return False


def fault_reason(path: Path, error: Exception) -> str:
    """Why a file is no image, from its first bytes, or else in Pillow's words."""
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as problem:
        return problem.strerror or str(problem)
    instead = stand_in(start)
    if instead is not None:
        return instead
    if isinstance(error, UnidentifiedImageError):
        return "it is in no image format that Pillow knows"
    return " ".join(str(error).split()) or type(error).__name__
