"""The networks that `model.architecture` names, and what planning must know of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One network, as far as it is told without building it."""

    words: str
    """Its name in words."""
    teachable: bool = True
    """Whether it predicts queries that a teacher can label for a student. A network that is not
    teachable is for supervised training only."""
    boxes: bool = False
    """Whether it learns boxes too: its targets need pixels, and its losses know no groups."""
    smallest: str | None = None
    """The smallest backbone it takes, for `--smoke`; None where any family's smallest will do."""
    unused: tuple[str, ...] = ()
    """Settings of `model` that it has no use for: they are no part of its runs' identity."""


_EOMT = ("vit_grid", "query_blocks", "masked_attention")
_DECODERS = (
    *("hidden", "heads", "encoder_layers", "encoder_points", "encoder_feedforward"),
    *("decoder_layers", "decoder_feedforward", "vit_resize", "vit_layers"),
    "pixel_decoder_precision",
)

ARCHITECTURES: dict[str, Architecture] = {
    "mask2former": Architecture("Mask2Former", unused=_EOMT),
    "eomt": Architecture("EoMT", smallest="test_vit", unused=_DECODERS),
    "mask-rcnn": Architecture(
        "Mask R-CNN",
        teachable=False,
        boxes=True,
        smallest="resnet18",
        unused=(*_EOMT, "vit_layers", "vit_positions", "pixel_decoder_precision"),
    ),
}
"""Network by its name; `model.networks` builds them."""
