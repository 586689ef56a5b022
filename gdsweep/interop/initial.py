"""Others' weights as a run's first weights, or as its fixed teacher."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from gdsweep.config import ARCHITECTURES, ModelSettings
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput
from gdsweep.interop.class_head import fitted_head
from gdsweep.interop.convert import backbone_alone
from gdsweep.interop.open import open_checkpoint
from gdsweep.interop.tensors import COUNTERS, SAME_NAMES, find_tensors
from gdsweep.model import Network
from gdsweep.model.network import QueryNetwork
from gdsweep.model.timm_net import load

_SIZES = (
    *("hidden", "encoder_feedforward"),  # Mask R-CNN's
    *("heads", "queries", "query_blocks", "encoder_layers", "encoder_points"),
    *("decoder_layers", "decoder_feedforward"),
)
"""Settings of a model that its weights have to agree with."""


def load_initial(
    model: Network,
    path: str,
    settings: ModelSettings,
    classes: Sequence[str],
    network: str | None = None,
) -> str | None:
    """Put a file's weights, of any format that is known, into a network of a run.

    Args:
        model: the network, for `classes`.
        path: the file, folder or run directory; `~` and `$VARIABLES` are put in.
        settings: the network's.
        classes: names of the network's classes.
        network: `student` or `teacher`, where the file has both.

    Returns:
        What was done to a class head of other classes, or that a file held a backbone alone and
        all else starts anew; None where nothing was done.

    Raises:
        BadInput: the file cannot be read or is of another network, or a Mask R-CNN of other
            classes.
    """
    try:
        opened = open_checkpoint(Path(expanded(path)), network, settings=settings)
    except BadInput:
        if isinstance(model, QueryNetwork) and _is_its_backbone(model, path, settings):
            return "a backbone alone: everything else starts anew"
        raise
    if opened.settings.architecture != settings.architecture:
        raise BadInput(
            f"{path}: it is a {opened.settings.architecture}, not a {settings.architecture}"
        )
    if opened.settings.backbone.partition(".")[0] != settings.backbone.partition(".")[0]:
        raise BadInput(
            f"{path}: its backbone is {opened.settings.backbone}, not {settings.backbone}"
        )
    _check_sizes(path, opened.settings, settings)
    if not model.teachable:
        if opened.class_count != len(classes) or tuple(opened.classes or classes) != tuple(classes):
            raise BadInput(
                f"{path}: its classes are others; a {settings.architecture}'s heads are not adapted"
            )
        _fill(model, opened.weights, path)
        return None
    weights, note = fitted_head(
        opened.weights, model.state_dict(), opened.classes, classes, model.class_head
    )
    _fill(model, weights, path)
    return note


def _is_its_backbone(model: QueryNetwork, path: str, settings: ModelSettings) -> bool:
    """Whether a file holds weights of the network's backbone alone, as timm's or the first
    publisher's names have them (DINOv3's, say); they are loaded then."""
    file = Path(expanded(path))
    if not backbone_alone(file):
        return False
    try:
        load(model.timm_net, settings.model_copy(update={"weights": str(file)}))
    except BadInput:
        return False  # what is told of the whole file tells more
    return True


def _check_sizes(path: str, theirs: ModelSettings, ours: ModelSettings) -> None:
    """Refuse weights of a network with other sizes, by the settings that say so."""
    architecture = ARCHITECTURES[ours.architecture]
    sizes = _SIZES if architecture.teachable else _SIZES[:2]
    differing = [
        f"{name} {getattr(theirs, name)} (here {getattr(ours, name)})"
        for name in sizes
        if name not in architecture.unused and getattr(theirs, name) != getattr(ours, name)
    ]
    if differing:
        raise BadInput(
            f"{path}: weights of another network: its model has {', '.join(differing)}; set these "
            "alike, or start from other weights"
        )


def _fill(model: Network, weights: dict[str, Tensor], path: str) -> None:
    """Load weights; what only counts or follows from the sizes may be missing, or be too much."""
    model.load_state_dict(
        find_tensors(model.state_dict(), weights, SAME_NAMES, COUNTERS, path).weights
    )
