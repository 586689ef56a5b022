"""How an image file of any depth becomes 8 bits a channel; free of torch, for pictures too."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from gdsweep.config.format_base import Scaling

PERCENTILES = (0.1, 99.9)
"""Of an image's pixels: what becomes 0 and 255 by the scaling `percentile`."""

_SUBFILE, _REDUCED = 254, 1  # TIFF 6.0, section 8: NewSubfileType, bit 0 a reduced-resolution copy


def eight_bits(pixels: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Pixels of more than 8 bits, or floating-point ones, as uint8 of the same shape.

    `full` keeps the upper 8 of 16 bits. Otherwise two values become 0 and 255, linearly, and what
    lies beyond them is cut: the lowest and highest of these pixels (`min-max`), their percentiles
    0.1 and 99.9 (`percentile`), or the two values given. Pixels that are all equal become 0.

    Raises:
        ValueError: floating-point pixels and `full`, or pixels that are not finite.
    """
    if scaling == "full":
        if pixels.dtype.kind == "f":
            raise ValueError("it has floating-point pixels; 8 or 16 bits are valid")
        return (pixels.clip(0, 65535) >> 8).astype(np.uint8)
    if not np.isfinite(pixels).all():
        raise ValueError("it has pixels that are not finite")
    low, high = limits(pixels, scaling)
    if high <= low:
        return np.zeros(pixels.shape, np.uint8)
    share = (pixels.astype(np.float64) - low) / (high - low)
    return (share.clip(0, 1) * 255).round().astype(np.uint8)


def limits(pixels: np.ndarray, scaling: Scaling) -> tuple[float, float]:
    """The values of `pixels` that become 0 and 255; `full` has none."""
    if scaling == "min-max":
        return float(pixels.min()), float(pixels.max())
    if scaling == "percentile":
        low, high = np.percentile(pixels, PERCENTILES)
        return float(low), float(high)
    if isinstance(scaling, str):
        raise ValueError(f"{scaling} has no lowest and highest value")
    return scaling


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image file, open. Raises whatever Pillow and its decoders meet."""
    # by name, Pillow 13 maps a TIFF that is turned by 90 degrees with its sides swapped
    with open(path, "rb") as file, Image.open(file) as image:
        yield image


def rgb(image: Image.Image, scaling: Scaling) -> Image.Image:
    """An opened image file as RGB, its EXIF orientation applied.

    Images of 8 bits a channel keep their values whatever `scaling` says.

    Raises:
        ValueError: it is a stack of pages, or its pixels cannot be scaled so; see `fault`.
    """
    reason = fault(image, scaling)
    if reason is not None:
        raise ValueError(reason)
    if not is_deep(image):
        return ImageOps.exif_transpose(image).convert("RGB")
    return Image.fromarray(eight_bits(deep_pixels(image), scaling)).convert("RGB")


def is_deep(image: Image.Image) -> bool:
    """Whether an opened image has one channel of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def deep_pixels(image: Image.Image) -> np.ndarray:
    """The values [H, W] of an opened image with one channel, its EXIF orientation applied."""
    unsigned = _stored_as(image, "I;32N")  # Pillow's type for 32 bits is signed
    pixels = np.asarray(ImageOps.exif_transpose(image))
    return pixels.view(np.uint32) if unsigned else pixels


def fault(image: Image.Image, scaling: Scaling) -> str | None:
    """Why an opened image file is not read by this rule; None where it is. Decodes nothing."""
    pages = full_pages(image)
    if len(pages) > 1:
        return (
            f"it is a stack of {len(pages)} pages; one page is valid (`gdsweep data import --pages`"
            " makes images of stacks)"
        )
    if scaling == "full":
        return "it has floating-point pixels; 8 or 16 bits are valid" if image.mode == "F" else None
    return colour_fault(image)


def colour_fault(image: Image.Image) -> str | None:
    """That an opened image has several channels of 16 bits, of which Pillow keeps the upper 8."""
    if image.mode.startswith("I") or not _stored_as(image, ";16"):
        return None
    return (
        "it has several channels of 16 bits, which are read with scaling `full` only; one channel, "
        "or 8 bits, can be read with any"
    )


def full_pages(image: Image.Image) -> list[int]:
    """Numbers, from 0, of an opened image's pages; of a TIFF without its reduced copies.

    Formats other than TIFF have one page: previews in photographs and animations do not count.
    """
    if image.format != "TIFF":
        return [0]
    pages = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        kind: int = image.tag_v2.get(_SUBFILE, 0)  # type: ignore[attr-defined]
        if number == 0 or not kind & _REDUCED:
            pages.append(number)
    image.seek(0)
    return pages


def _stored_as(image: Image.Image, layout: str) -> bool:
    # Pillow's name of the layout in the file, known until the pixels are decoded
    return any(layout in str(tile.args) for tile in getattr(image, "tile", ()))
