"""A trained Mask2Former in whatever format: its weights by our names, and how to build it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from gdsweep.config import ARCHITECTURES, ModelSettings, RunConfig
from gdsweep.errors import BadInput
from gdsweep.interop import eomt_folder, mask2former, transformers_folder
from gdsweep.interop.architecture import infer_settings
from gdsweep.interop.files import Content, read_file
from gdsweep.interop.mask2former_names import DROPPED as MASK2FORMER_DROPPED
from gdsweep.interop.names import Table, names_of
from gdsweep.interop.tensors import COUNTERS, SAME_NAMES, find_tensors
from gdsweep.interop.transformers_names import DROPPED as TRANSFORMERS_DROPPED
from gdsweep.interop.weights_file import is_weights_file, read_weights_file
from gdsweep.model import NETWORKS, Network, build_network
from gdsweep.runs import RunDir, checkpoint_file, newest_checkpoint, read_config
from gdsweep.runs.records import At

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
    notes: tuple[str, ...] = ()
    """What else a person should know."""

    @property
    def class_count(self) -> int:
        """C."""
        return len(self.weights[_class_weight(self.settings.architecture)]) - 1

    def model(self) -> Network:
        """The network, in evaluation mode."""
        settings = self.settings.model_copy(update={"weights": "random", "init": None})
        model = build_network(settings, self.class_count)
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
        if RunDir(path).exists():
            return _open_run(RunDir(path), network, at)
        if (path / "config.json").is_file():
            return _open_folder(path, settings)
        raise BadInput(
            f"{path}: neither a run directory (config.yaml) nor a transformers folder (config.json)"
        )
    content = read_file(path)
    if is_weights_file(content):
        return _open_own(content, path, network, settings)
    opened = open_tensors(content, path, network, settings)
    return replace(opened, notes=tuple(content.notes))


def open_tensors(
    content: Content, path: Path, network: str | None, settings: ModelSettings | None
) -> Opened:
    """Open a file that is told by its tensors' names. Raises BadInput where they are not known."""
    what, tensors = str(path), content.tensors
    if mask2former.is_mask2former(tensors):
        given, others, which = mask2former.one_network(tensors, network, what)
        table, name = mask2former.table_of(given), "mask2former"
        found = _matched(given, table, MASK2FORMER_DROPPED, what, settings)
        source = what if which is None else f"{what}, {which}"
        kind = name if which is None else "guided-distillation"
        return Opened(kind, *found[:2], None, source, dropped=found[2] | others)
    if transformers_folder.is_transformers(tensors):
        table = transformers_folder.table_of(tensors)
        found = _matched(tensors, table, TRANSFORMERS_DROPPED, what, settings)
        return Opened("transformers", *found[:2], None, what, dropped=found[2])
    if eomt_folder.is_eomt(tensors):
        return _open_eomt(tensors, what, None, settings)
    for kind, table in (("gdsweep", SAME_NAMES), ("detectron2-bridge", _WRAPPED)):
        if names_of(_class_weight("mask2former"), table)[0] in tensors:
            found = _matched(tensors, table, COUNTERS, what, settings)
            return Opened(kind, *found[:2], None, what, dropped=found[2])
    raise BadInput(
        f"{what}: no network's names are in it (it begins {next(iter(tensors), 'with nothing')}); "
        "valid: gdsweep, Mask2Former, GuidedDistillation, transformers; a backbone alone is for "
        "model.weights"
    )


def _open_run(run: RunDir, network: str | None, at: str | None) -> Opened:
    config = read_config(run)
    path = _checkpoint(run, network or "student", at, config.settings.schedule.iterations)
    own = read_weights_file(read_file(path), path, network)
    source = f"{run.path}, {own.network} of iteration {own.iteration}"
    model, weights, dropped = _matched(
        own.weights, SAME_NAMES, COUNTERS, str(path), config.settings.model
    )
    return Opened("gdsweep", model, weights, own.classes, source, config, dropped)


def _checkpoint(run: RunDir, network: str, at: str | None, horizon: int) -> Path:
    """The checkpoint that `at` asks for; see `newest_checkpoint` for None."""
    if at is None:
        return newest_checkpoint(run, network).path
    if at == "best" and not run.best.exists():
        raise BadInput(f"{run.path}: it has no best checkpoint yet")
    place: At = "best" if at == "best" else "final" if at == "final" else _iteration(at)
    found = checkpoint_file(run, network, place, horizon)
    states = run.states()
    if place != "best" and found.iteration not in states:
        have = ", ".join(map(str, states)) or "none yet"
        raise BadInput(f"{run.path}: no state of iteration {found.iteration}; there are: {have}")
    return found.path


def _class_weight(architecture: str) -> str:
    return f"{NETWORKS[architecture].class_head}.weight"


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
    run = RunDir.holding(path)
    if run is not None:
        config = read_config(run)
    model = settings or own.settings
    if model is None and config is not None:
        model = config.settings.model
    source = f"{path}, {own.network} of iteration {own.iteration}"
    if model is None:
        kind = next((name for name in NETWORKS if _class_weight(name) in own.weights), "")
        if kind in ARCHITECTURES and kind != "mask2former":
            words = ARCHITECTURES[kind].words
            raise BadInput(f"{path}: {words} away from its run; --config FILE says how to build it")
        model = infer_settings(own.weights, SAME_NAMES, str(path))
    _, weights, dropped = _matched(own.weights, SAME_NAMES, COUNTERS, str(path), model)
    return Opened("gdsweep", model, weights, own.classes, source, config, dropped)


def _open_folder(path: Path, settings: ModelSettings | None) -> Opened:
    folder = transformers_folder.read_folder(path)
    if folder.kind == "eomt":
        return _open_eomt(folder.tensors, str(path), folder.classes, settings)
    table = transformers_folder.table_of(folder.tensors)
    if settings is None:
        settings = infer_settings(folder.tensors, table, str(path))
        # its ResNets always count batches, whether they were trained with frozen statistics or not
        settings = settings.model_copy(update={"heads": folder.heads, "norm": "frozen"})
    found = _matched(folder.tensors, table, TRANSFORMERS_DROPPED, str(path), settings)
    classes = folder.classes
    if len(classes) != len(found[1][_class_weight("mask2former")]) - 1:
        raise BadInput(f"{path}: config.json names {len(classes)} classes, its head has others")
    return Opened("transformers", *found[:2], classes, str(path), dropped=found[2])


def _open_eomt(
    tensors: Mapping[str, Tensor],
    what: str,
    classes: tuple[str, ...] | None,
    settings: ModelSettings | None,
) -> Opened:
    settings = settings or eomt_folder.infer(tensors, what)
    given = eomt_folder.given(tensors)
    found = _matched(given, eomt_folder.TABLE, eomt_folder.DROPPABLE, what, settings)
    if classes is not None and len(classes) != len(found[1][_class_weight("eomt")]) - 1:
        raise BadInput(f"{what}: config.json names {len(classes)} classes, its head has others")
    return Opened("transformers", *found[:2], classes, what, dropped=found[2])


def _matched(
    given: Mapping[str, Tensor],
    table: Table,
    droppable: tuple[tuple[str, str], ...],
    what: str,
    settings: ModelSettings | None,
) -> tuple[ModelSettings, dict[str, Tensor], dict[str, str]]:
    settings = settings or infer_settings(given, table, what)
    heads = names_of(_class_weight(settings.architecture), table)
    if not heads:
        raise BadInput(f"{what}: {settings.architecture} has no counterpart in other formats")
    if heads[0] not in given:
        raise BadInput(f"{what} does not fit: it lacks {heads[0]}")
    random = settings.model_copy(update={"weights": "random", "init": None})
    made = build_network(random, len(given[heads[0]]) - 1)
    found = find_tensors(made.state_dict(), given, table, droppable, what)
    return settings, found.weights, found.dropped
