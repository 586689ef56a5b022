"""Others' weights as a run's first weights, or as its fixed teacher."""

from collections.abc import Sequence
from pathlib import Path

from gdsweep.config import ModelSettings
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput
from gdsweep.interop.class_head import fitted_head
from gdsweep.interop.open import open_checkpoint
from gdsweep.model import Network


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
        What was done to a class head of other classes, or None.

    Raises:
        BadInput: the file cannot be read or is of another network, or a Mask R-CNN of other
            classes.
    """
    opened = open_checkpoint(Path(expanded(path)), network, settings=settings)
    if opened.settings.architecture != settings.architecture:
        raise BadInput(
            f"{path}: it is a {opened.settings.architecture}, not a {settings.architecture}"
        )
    if opened.settings.backbone.partition(".")[0] != settings.backbone.partition(".")[0]:
        raise BadInput(
            f"{path}: its backbone is {opened.settings.backbone}, not {settings.backbone}"
        )
    if not model.teachable:
        if opened.class_count != len(classes) or tuple(opened.classes or classes) != tuple(classes):
            raise BadInput(
                f"{path}: its classes are others; a {settings.architecture}'s heads are not adapted"
            )
        model.load_state_dict(opened.weights)
        return None
    weights, note = fitted_head(
        opened.weights, model.state_dict(), opened.classes, classes, model.class_head
    )
    model.load_state_dict(weights)
    return note
