"""Image files as RGB tensors."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gdsweep.errors import BadInput

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def read_image(path: Path) -> Tensor:
    """The pixels of an image file: RGB, uint8 [3, H, W].

    Its EXIF orientation is applied, as detectron2 does. Grey, palette and CMYK images are converted
    to RGB, transparency is dropped, and of 16 bits the upper 8 are kept.

    Raises:
        BadInput: there is no such file, it is not an image, or it is not complete.
    """
    try:
        with Image.open(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            pixels = np.array(_rgb(image))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such image file") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path}: not a readable image: {reason}") from None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def image_names(folder: Path) -> list[str]:
    """Paths of all image files in a folder and below, relative to it, in alphabetical order."""
    names = []
    for place, _, files in os.walk(folder, followlinks=True):
        inside = Path(place).relative_to(folder)
        names += [(inside / f).as_posix() for f in files if Path(f).suffix.lower() in SUFFIXES]
    return sorted(names)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits: convert() would clip them to white
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode == "F":
        raise ValueError("it has floating-point pixels; 8 or 16 bits are valid")
    return image.convert("RGB")
