"""A trained Mask2Former in whatever format: its weights by our names, and how to build it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from gdsweep.config import ModelSettings, RunConfig
from gdsweep.errors import BadInput
from gdsweep.interop import mask2former, transformers_folder
from gdsweep.interop.account import account
from gdsweep.interop.architecture import infer_settings
from gdsweep.interop.class_head import HEAD
from gdsweep.interop.files import Content, read_file
from gdsweep.interop.mask2former_names import DROPPED as MASK2FORMER_DROPPED
from gdsweep.interop.names import Table, names_of
from gdsweep.interop.transformers_names import DROPPED as TRANSFORMERS_DROPPED
from gdsweep.interop.weights_file import is_weights_file, read_weights_file
from gdsweep.model import Mask2Former, MaskRCNN, Network
from gdsweep.runs import RunDir, read_best, read_config

_OURS: Table = (("*", "*"),)
_COUNTERS = (("*.num_batches_tracked", "no part of what is computed"),)
_BOX_HEAD = "net.roi_heads.box_predictor.cls_score.weight"
_WRAPPED: Table = (("*", "network.*"),)  # detectron2_bridge's meta-architecture


@dataclass(frozen=True)
class Opened:
    """A network, whatever it came from."""

    format: str
    """`gdsweep`, `mask2former`, `guided-distillation`, `transformers` or `detectron2-bridge`."""
    settings: ModelSettings
    """How to build it."""
    weights: dict[str, Tensor]
    """Complete, by our names."""
    classes: tuple[str, ...] | None
    """Names of its classes, if the file says."""
    source: str
    """What was read, in words."""
    run: RunConfig | None = None
    """The run it is a checkpoint of."""
    dropped: dict[str, str] = field(default_factory=dict)
    """Names in the file that were left, and why."""

    @property
    def class_count(self) -> int:
        """C."""
        name = _BOX_HEAD if self.settings.architecture == "mask-rcnn" else HEAD[0]
        return len(self.weights[name]) - 1

    def model(self, attention: str = "auto") -> Network:
        """The network, in evaluation mode."""
        settings = self.settings.model_copy(update={"weights": "random", "init": None})
        model: Network
        if settings.architecture == "mask-rcnn":
            model = MaskRCNN(settings, self.class_count)
        else:
            model = Mask2Former(settings, self.class_count, attention)
        model.load_state_dict(self.weights)
        return model.eval()


def open_checkpoint(
    path: Path,
    network: str | None = None,
    at: str | None = None,
    settings: ModelSettings | None = None,
) -> Opened:
    """Open a run directory, a file or a folder of any format that is known.

    Args:
        path: what to open.
        network: `student` or `teacher`, where it has both; the student if None.
        at: of a run directory: `best`, `final` or an iteration; the best one there is if None.
        settings: how to build the network, where the file does not tell, or does so wrongly.

    Raises:
        BadInput: one line: not there, not known, or a tensor that does not fit.
    """
    if path.is_dir():
        if (path / "config.yaml").is_file():
            return _open_run(RunDir(path), network, at)
        if (path / "config.json").is_file():
            return _open_folder(path, settings)
        raise BadInput(
            f"{path}: neither a run directory (config.yaml) nor a transformers folder (config.json)"
        )
    content = read_file(path)
    if is_weights_file(content):
        return _open_own(content, path, network, settings)
    return open_tensors(content, path, network, settings)


def open_tensors(
    content: Content, path: Path, network: str | None, settings: ModelSettings | None
) -> Opened:
    """Open a file that is told by its tensors' names. Raises BadInput where they are not known."""
    what, tensors = str(path), content.tensors
    if mask2former.is_mask2former(tensors):
        given, others, which = mask2former.one_network(tensors, network, what)
        table, name = mask2former.table_of(given), "mask2former"
        found = _accounted(given, table, MASK2FORMER_DROPPED, what, settings)
        source = what if which is None else f"{what}, {which}"
        kind = name if which is None else "guided-distillation"
        return Opened(kind, *found[:2], None, source, dropped=found[2] | others)
    if transformers_folder.is_transformers(tensors):
        table = transformers_folder.table_of(tensors)
        found = _accounted(tensors, table, TRANSFORMERS_DROPPED, what, settings)
        return Opened("transformers", *found[:2], None, what, dropped=found[2])
    for kind, table in (("gdsweep", _OURS), ("detectron2-bridge", _WRAPPED)):
        if names_of(HEAD[0], table)[0] in tensors:
            found = _accounted(tensors, table, _COUNTERS, what, settings)
            return Opened(kind, *found[:2], None, what, dropped=found[2])
    raise BadInput(
        f"{what}: no Mask2Former's names are in it (it begins {next(iter(tensors), 'with nothing')}"
        "); `python -m gdsweep.interop inspect` tells more"
    )


def _open_run(run: RunDir, network: str | None, at: str | None) -> Opened:
    config = read_config(run)
    wanted = network or "student"
    horizon = config.settings.schedule.iterations
    if at in (None, "best") and run.best.exists():
        best = read_best(run)
        if wanted not in best:
            raise BadInput(f"{run.path}: it has no scored {wanted}; it has: {', '.join(best)}")
        path, iteration = run.checkpoints / best[wanted].file, best[wanted].iteration
    else:
        states = run.states()
        if at == "best" or not states:
            raise BadInput(f"{run.path}: it has no {at or ''} checkpoint yet".replace("  ", " "))
        last = states[-1] if at is None else horizon
        iteration = last if at in (None, "final") else _iteration(str(at))
        if iteration not in states:
            raise BadInput(
                f"{run.path}: no state of iteration {iteration}; there are: "
                f"{', '.join(map(str, states))}"
            )
        path = run.state(iteration)
    own = read_weights_file(read_file(path), path, network)
    source = f"{run.path}, {own.network} of iteration {iteration}"
    model, weights, dropped = _accounted(
        own.weights, _OURS, _COUNTERS, str(path), config.settings.model
    )
    return Opened("gdsweep", model, weights, own.classes, source, config, dropped)


def _iteration(at: str) -> int:
    try:
        return int(at)
    except ValueError:
        raise BadInput(f"--at: {at} is not best, final or an iteration") from None


def _open_own(
    content: Content, path: Path, network: str | None, settings: ModelSettings | None
) -> Opened:
    own = read_weights_file(content, path, network)
    config = None
    if (path.parent.parent / "config.yaml").is_file():
        config = read_config(RunDir(path.parent.parent))
    model = settings or own.settings
    if model is None and config is not None:
        model = config.settings.model
    source = f"{path}, {own.network} of iteration {own.iteration}"
    if model is None and _BOX_HEAD in own.weights:
        raise BadInput(
            f"{path}: a Mask R-CNN away from its run; --config FILE says how to build it"
        )
    if model is None:
        model = infer_settings(own.weights, _OURS, str(path))
    _, weights, dropped = _accounted(own.weights, _OURS, _COUNTERS, str(path), model)
    return Opened("gdsweep", model, weights, own.classes, source, config, dropped)


def _open_folder(path: Path, settings: ModelSettings | None) -> Opened:
    folder = transformers_folder.read_folder(path)
    table = transformers_folder.table_of(folder.tensors)
    if settings is None:
        settings = infer_settings(folder.tensors, table, str(path))
        # its ResNets always count batches, whether they were trained with frozen statistics or not
        settings = settings.model_copy(update={"heads": folder.heads, "norm": "frozen"})
    found = _accounted(folder.tensors, table, TRANSFORMERS_DROPPED, str(path), settings)
    classes = folder.classes
    if len(classes) != len(found[1][HEAD[0]]) - 1:
        raise BadInput(f"{path}: config.json names {len(classes)} classes, its head has others")
    return Opened("transformers", *found[:2], classes, str(path), dropped=found[2])


def _accounted(
    given: Mapping[str, Tensor],
    table: Table,
    droppable: tuple[tuple[str, str], ...],
    what: str,
    settings: ModelSettings | None,
) -> tuple[ModelSettings, dict[str, Tensor], dict[str, str]]:
    settings = settings or infer_settings(given, table, what)
    baseline = settings.architecture == "mask-rcnn"
    if baseline and table is not _OURS:
        raise BadInput(f"{what}: {settings.architecture} has no counterpart in other formats")
    head = names_of(_BOX_HEAD if baseline else HEAD[0], table)[0]
    if head not in given:
        raise BadInput(f"{what} does not fit: it lacks {head}")
    random = settings.model_copy(update={"weights": "random", "init": None})
    made = (MaskRCNN if baseline else Mask2Former)(random, len(given[head]) - 1)
    found = account(made.state_dict(), given, table, droppable, what)
    return settings, found.weights, found.dropped
