"""Which Mask2Former a file of weights belongs to, from names and shapes alone."""

from collections.abc import Mapping
from itertools import count

from torch import Tensor

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.names import Table, names_of

_LEVELS, _POINTS = 3, 4  # of the deformable attention: every published model's

_RESNETS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "resnet18",
    (False, (3, 4, 6, 3)): "resnet34",
    (True, (3, 4, 6, 3)): "resnet50",
    (True, (3, 4, 23, 3)): "resnet101",
    (True, (3, 8, 36, 3)): "resnet152",
}
_SWINS: dict[tuple[int, tuple[int, ...], int], str] = {
    (96, (2, 2, 6, 2), 7): "swin_tiny_patch4_window7_224",
    (96, (2, 2, 18, 2), 7): "swin_small_patch4_window7_224",
    (128, (2, 2, 18, 2), 7): "swin_base_patch4_window7_224",
    (128, (2, 2, 18, 2), 12): "swin_base_patch4_window12_384",
    (192, (2, 2, 18, 2), 7): "swin_large_patch4_window7_224",
    (192, (2, 2, 18, 2), 12): "swin_large_patch4_window12_384",
}
_VITS = {
    (384, 12, 14): "vit_small_patch14_dinov2",
    (768, 12, 14): "vit_base_patch14_dinov2",
    (1024, 24, 14): "vit_large_patch14_dinov2",
    (1536, 40, 14): "vit_giant_patch14_dinov2",
    (768, 12, 16): "deit_base_patch16_384",
}


class Shapes:
    """Shapes of a file's tensors, asked for by our names."""

    def __init__(self, given: Mapping[str, Tensor], table: Table) -> None:
        self._given, self._table = given, table

    def __call__(self, name: str) -> tuple[int, ...] | None:
        """Shape of the first of the file's tensors that make up `name`; None if there is none."""
        theirs = names_of(name, self._table)
        return tuple(self._given[theirs[0]].shape) if theirs and theirs[0] in self._given else None

    def number(self, pattern: str) -> int:
        """How many consecutive `{}` from 0 there are."""
        return next(n for n in count() if self(pattern.format(n)) is None)


def infer_settings(given: Mapping[str, Tensor], table: Table, what: str) -> ModelSettings:
    """The model's settings, as far as weights tell: published sizes, inference only.

    Raises:
        BadInput: the head or the backbone is none of the known ones; `--config` names it then.
    """
    shapes = Shapes(given, table)
    queries = shapes("transformer_decoder.query_features.weight")
    encoder = shapes("pixel_decoder.layers.0.linear1.weight")
    decoder = shapes("transformer_decoder.layers.0.linear1.weight")
    attention = shapes("pixel_decoder.layers.0.attention.attention_weights.weight")
    if queries is None or encoder is None or decoder is None or attention is None:
        raise BadInput(f"{what}: it has no Mask2Former head")
    return ModelSettings(
        backbone=infer_backbone(given, table, what),
        weights="random",
        norm="batch" if any(name.endswith("num_batches_tracked") for name in given) else "frozen",
        hidden=queries[1],
        heads=attention[0] // (_LEVELS * _POINTS),
        queries=queries[0],
        encoder_layers=shapes.number("pixel_decoder.layers.{}.norm1.weight"),
        encoder_feedforward=encoder[0],
        decoder_layers=shapes.number("transformer_decoder.layers.{}.norm1.weight"),
        decoder_feedforward=decoder[0],
    )


def infer_backbone(given: Mapping[str, Tensor], table: Table, what: str) -> str:
    """timm's name of the backbone. Raises BadInput where the shapes are not a known one's."""
    shapes = Shapes(given, table)
    if shapes("backbone.net.layer1.0.conv1.weight"):
        depths = tuple(
            shapes.number(f"backbone.net.layer{n}.{{}}.conv1.weight") for n in range(1, 5)
        )
        bottleneck = shapes("backbone.net.layer1.0.conv3.weight") is not None
        name, description = _RESNETS.get((bottleneck, depths)), f"a ResNet of {depths} blocks"
    elif table_ := shapes("backbone.net.layers_0.blocks.0.attn.relative_position_bias_table"):
        depths = tuple(
            shapes.number(f"backbone.net.layers_{n}.blocks.{{}}.norm1.weight") for n in range(4)
        )
        width = (shapes("backbone.net.patch_embed.norm.weight") or (0,))[0]
        window = (int(table_[0] ** 0.5) + 1) // 2
        name = _SWINS.get((width, depths, window))
        description = f"a Swin of width {width}, {depths} blocks and window {window}"
    elif patch := shapes("backbone.net.patch_embed.proj.weight"):
        depth = shapes.number("backbone.net.blocks.{}.norm1.weight")
        name = _VITS.get((patch[0], depth, patch[2]))
        description = f"a transformer of width {patch[0]}, {depth} blocks and patches of {patch[2]}"
    else:
        name, description = None, "no ResNet, Swin or plain vision transformer"
    if name is None:
        raise BadInput(
            f"{what}: its backbone is {description}; name it with --config FILE or --backbone NAME"
        )
    return name
