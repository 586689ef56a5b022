"""What a file of weights is, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from gdsweep.config import ARCHITECTURES, ModelSettings
from gdsweep.interop.backbones import read_backbone
from gdsweep.interop.convert import backbone_alone
from gdsweep.interop.files import read_file
from gdsweep.interop.open import open_checkpoint


def inspect(
    path: Path,
    network: str | None,
    at: str | None,
    settings: ModelSettings | None,
    names: bool,
    backbone: str | None = None,
) -> list[str]:
    """Lines that tell format, network, classes, and what would be loaded and what left.

    `backbone` is timm's name of a file that holds a backbone alone, where its tensors do not tell.

    Raises:
        BadInput: as `open_checkpoint`; what does not fit is named.
    """
    if backbone_alone(path):
        found = read_backbone(read_file(path), path, backbone)
        lines = [f"{path}: a backbone, timm's {found.name}"]
        lines += summary(len(found.weights), found.dropped, found.notes)
        return lines + (_listed(found.weights) if names else [])
    opened = open_checkpoint(path, network, at, settings)
    model = opened.settings
    parameters = sum(t.numel() for t in opened.weights.values() if t.is_floating_point())
    name = ARCHITECTURES[model.architecture].words
    sizes = (
        f"{model.queries} queries, {model.encoder_layers} encoder and {model.decoder_layers} "
        f"decoder layers, {model.hidden} channels, {model.heads} heads"
    )
    lines = [
        f"{opened.source}: {opened.format}",
        f"{name}, {model.backbone}, {parameters / 1e6:.2f} M values",
        *([sizes] if model.architecture == "mask2former" else []),
        f"{opened.class_count} classes{_some(opened.classes)}",
        *summary(len(opened.weights), opened.dropped, opened.notes),
    ]
    return lines + (_listed(opened.weights) if names else [])


def summary(loaded: int, dropped: Mapping[str, str], notes: Sequence[str]) -> list[str]:
    """Lines on every tensor of a file: how many were loaded, which were left and why."""
    lines = [f"{loaded} tensors loaded"]
    for reason, count in Counter(dropped.values()).items():
        first = next(name for name, why in dropped.items() if why == reason)
        more = f" and {count - 1} more" if count > 1 else ""
        lines.append(f"left: {first}{more} ({reason})")
    return lines + [f"note: {note}" for note in notes]


def _some(classes: Sequence[str] | None) -> str:
    if classes is None:
        return ", names not known"
    return ": " + ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")


def _listed(weights: Mapping[str, Tensor]) -> list[str]:
    return [f"  {name} {list(tensor.shape)}" for name, tensor in weights.items()]
