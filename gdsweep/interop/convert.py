"""From any format that is known to one that is asked for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.backbones import Channels, read_backbone, write_backbone
from gdsweep.interop.class_names import known_classes
from gdsweep.interop.files import read_file
from gdsweep.interop.mask2former import write_mask2former
from gdsweep.interop.open import Opened, open_checkpoint
from gdsweep.interop.torch_export import write_program
from gdsweep.interop.transformers_folder import write_folder
from gdsweep.interop.weights_file import is_weights_file, write_weights_file
from gdsweep.model import EoMT, Mask2Former

Target = Literal["gdsweep", "mask2former", "transformers", "torch-export"]
TARGETS: tuple[str, ...] = get_args(Target)


@dataclass
class Report:
    """What a conversion did."""

    source: str
    """What was read."""
    format: str
    """Format that was read."""
    loaded: int
    """Tensors that were taken over."""
    dropped: dict[str, str]
    """Tensors that were left, and why."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""


def convert(
    source: Path,
    target: Path,
    to: Target,
    network: str | None = None,
    at: str | None = None,
    settings: ModelSettings | None = None,
    backbone: str | None = None,
    channels: Channels | None = None,
    size: tuple[int, int] | None = None,
) -> Report:
    """Write `source` as `target` in another format; see `open_checkpoint` for what it may be.

    Args:
        source: a file, a folder or a run directory.
        target: the file (`transformers`: the folder) to make.
        to: its format.
        network: `student` or `teacher`, where the source has both.
        at: checkpoint of a run directory.
        settings: how to build the network, where the source does not tell.
        backbone: timm's name of a file that holds a backbone alone.
        channels: order of channels such a file expects.
        size: height and width of the images that a program (`torch-export`) takes.

    Raises:
        BadInput: what cannot be read, does not fit, or has no place in the other format.
    """
    if (size is None) == (to == "torch-export"):
        raise BadInput("--size HEIGHTxWIDTH goes with --to torch-export, and is needed there")
    opened = None if backbone_alone(source) else open_checkpoint(source, network, at, settings)
    if opened is None:
        if to != "gdsweep":
            raise BadInput(f"{source}: a backbone alone; --to {to} needs a whole Mask2Former")
        found = read_backbone(read_file(source), source, backbone, channels)
        write_backbone(target, found)
        notes = [f"a backbone, {found.name}: for `model: {{weights: {target}}}`", *found.notes]
        return Report(str(source), "backbone", len(found.weights), found.dropped, notes)
    notes = _write(opened, target, to, size)
    return Report(opened.source, opened.format, len(opened.weights), opened.dropped, notes)


def _write(opened: Opened, target: Path, to: Target, size: tuple[int, int] | None) -> list[str]:
    classes = opened.classes or known_classes(opened)
    notes = [*opened.notes, *([] if classes else ["the names of its classes are not known"])]
    if to == "gdsweep":
        write_weights_file(target, opened.weights, opened.settings, classes, opened.source)
        return notes
    model = opened.model()
    known = (Mask2Former,) if to == "mask2former" else (Mask2Former, EoMT)
    if not isinstance(model, known):
        raise BadInput(f"{opened.source}: {opened.settings.architecture} has no place in {to}")
    if to == "mask2former":
        loss = opened.run.settings.loss if opened.run else LossSettings()
        write_mask2former(target, opened.weights, loss.no_object)
        return notes
    names = classes or [f"LABEL_{n}" for n in range(opened.class_count)]
    if size is not None:
        write_program(target, model, size, names)
        return [*notes, f"for float images [3, {size[0]}, {size[1]}], RGB in 0..255"]
    write_folder(target, model, opened.settings, names)
    return notes


def backbone_alone(source: Path) -> bool:
    """Whether a file holds no Mask2Former, but perhaps a backbone."""
    if not source.is_file():
        return False
    content = read_file(source)
    marks = (
        "transformer_decoder.",
        "sem_seg_head.predictor.",
        "transformer_module.",
        "attn_mask_probs",
    )
    whole = any(mark in name for name in content.tensors for mark in marks)
    return not whole and not is_weights_file(content)
