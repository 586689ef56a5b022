"""Contradictions between settings that are right one by one."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from gdsweep.config import ARCHITECTURES, read_label_list
from gdsweep.config.model import NO_FILE
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput
from gdsweep.grid.assignments import holds
from gdsweep.grid.cell import Cell
from gdsweep.grid.given_weights import given_weights
from gdsweep.grid.methods import BURNED_IN, TAUGHT
from gdsweep.grid.names import TEACHER_BACKBONE, Target
from gdsweep.grid.resolve import Resolver
from gdsweep.grid.yaml_lines import dotted

_METHOD = ("method",)
_BURN_IN = ("distillation", "burn_in")
_TEACHER_AT = ("distillation", "teacher", "at")
_TEACHER_NETWORK = ("distillation", "teacher", "network")
_NETWORK = ("evaluation", "network")
_TILES = ("evaluation", "tiles")
_TILE_OVERLAP = ("evaluation", "tile_overlap")
_PERCENT = ("labels", "percent")
_ITERATIONS = ("schedule", "iterations")
_LABEL_FILE = ("labels", "file")
_IGNORE_ABOVE = ("distillation", "ignore_above")
_ALPHA_C = ("distillation", "alpha_c")
_EMPTY_TARGETS = ("augmentation", "empty_targets")
_WEIGHTS = ("model", "weights")
_INIT = ("model", "init")
_TEACHER_INIT = ("distillation", "teacher", "init")


def check_cell(cell: Cell, resolver: Resolver) -> None:
    """Raise BadInput, at the line that decided, where a cell's settings contradict each other."""
    settings = cell.settings
    distillation = settings.distillation
    horizon = settings.schedule.iterations
    architecture = ARCHITECTURES[settings.model.architecture]
    if not architecture.teachable and settings.method != "supervised":
        _fail(
            cell,
            resolver,
            (_METHOD,),
            f"{settings.model.architecture} is a supervised baseline, not {settings.method}; "
            "leave it out by `except`",
        )
    if architecture.boxes and settings.augmentation.empty_targets != "none":
        _fail(
            cell,
            resolver,
            (_EMPTY_TARGETS,),
            f"{settings.model.architecture}'s targets need boxes, which empty masks have not; "
            "use empty_targets: none",
        )
    if settings.method in BURNED_IN and distillation.burn_in >= horizon:
        _fail(
            cell,
            resolver,
            (_BURN_IN, _ITERATIONS),
            f"a burn-in of {distillation.burn_in} iterations leaves nothing of {horizon}",
        )
    try:
        assert settings.evaluation.tiling or settings.evaluation.tiles is None
    except BadInput as fault:
        _fail(cell, resolver, (_TILES, _TILE_OVERLAP), str(fault))
    _check_thresholds(cell, resolver)
    if settings.method in TAUGHT and cell.supervised is not None:
        _check_teacher(cell, resolver)
    if (
        (settings.method == "supervised" or distillation.fine_tune)
        and settings.evaluation.network == "teacher"
        and settings.optimizer.average is None
    ):
        _fail(
            cell,
            resolver,
            (_NETWORK,),
            "a supervised run has no averaged network to report; set optimizer.average, "
            "or report the student",
        )
    if (
        settings.method != "supervised"
        and settings.labels.percent == 100
        and settings.labels.pool == "complement"
        and not (settings.dataset.has_extra and settings.labels.extra)
    ):
        _fail(
            cell,
            resolver,
            (_PERCENT,),
            "with 100 % of the labels the complement holds no unlabelled image; "
            "use labels.pool: all, or give the data set `unlabelled` images",
        )


def _check_thresholds(cell: Cell, resolver: Resolver) -> None:
    distillation = cell.settings.distillation
    above, alpha_c = distillation.ignore_above, distillation.alpha_c
    if cell.settings.method != "supervised" and above is not None and above >= alpha_c:
        _fail(
            cell,
            resolver,
            (_IGNORE_ABOVE, _ALPHA_C),
            f"nothing lies between {above} and alpha_c, {alpha_c}; ignore_above must be below it",
        )


def _check_teacher(cell: Cell, resolver: Resolver) -> None:
    assert cell.supervised is not None
    teacher = cell.settings.distillation.teacher
    if teacher.of.backbone is not None:
        _check_other_network(cell, resolver)
    if teacher.init is not None:
        return
    horizon = cell.supervised.schedule.iterations
    if isinstance(teacher.at, int) and not 1 <= teacher.at <= horizon:
        _fail(
            cell,
            resolver,
            (_TEACHER_AT,),
            f"the teacher's run has the iterations 1 to {horizon}, not {teacher.at}",
        )
    if teacher.network == "teacher" and cell.supervised.optimizer.average is None:
        _fail(
            cell,
            resolver,
            (_TEACHER_NETWORK,),
            "the teacher's run keeps no averaged network; set optimizer.average for supervised, "
            "or use network: student",
        )


def _check_other_network(cell: Cell, resolver: Resolver) -> None:
    """A teacher of another backbone: that it can teach, and starts from weights of its own."""
    assert cell.supervised is not None
    own, model = cell.settings.model, cell.supervised.model
    if cell.settings.distillation.teacher.init is not None:
        _fail(
            cell,
            resolver,
            (TEACHER_BACKBONE, _TEACHER_INIT),
            "teacher.init has a network of its own, which is the student's; teacher.of goes with a "
            "teacher that is trained here",
        )
    if not ARCHITECTURES[model.architecture].teachable:
        _fail(
            cell,
            resolver,
            (TEACHER_BACKBONE,),
            f"{model.architecture} is a supervised baseline and teaches nobody",
        )
    if model.backbone == own.backbone:
        return
    for target, given, taught in (
        (_WEIGHTS, own.weights_file, model.weights_file),
        (_INIT, own.init, model.init),
    ):
        if given is not None and given == taught:
            _fail(
                cell,
                resolver,
                (target,),
                f"it is of the student's network, {own.backbone}, and its teacher, "
                f"{model.backbone}, would start from it too; make backbone an axis and say "
                "`by: backbone`",
            )


def _fail(cell: Cell, resolver: Resolver, targets: Iterable[Target], message: str) -> NoReturn:
    """Point at the first of `targets` that somebody decided."""
    targets = tuple(targets)
    origins = (resolver.origin(target, cell.coordinates) for target in targets)
    origin = next((found for found in origins if found is not None), None)
    full_message = f"{message} (cell {cell.label})"
    if origin is None:
        raise BadInput(f"{resolver.document.name}: {dotted(targets[0])}: {full_message}")
    origin.document.fail(origin.path, full_message)


def check_label_list(cell: Cell, resolver: Resolver) -> None:
    """Raise BadInput, at the line that decided, where a published split cannot be read."""
    try:
        read_label_list(cell.settings.labels, cell.settings.seed)
    except BadInput as problem:
        _fail(cell, resolver, (_LABEL_FILE,), str(problem))


def check_weights(cell: Cell, resolver: Resolver) -> None:
    """Raise BadInput, at the line that decided, where weights that it names are not there.

    Whether a package is installed is for who trains with it to say.
    """
    try:
        given = given_weights(cell.settings, "guided")
    except BadInput as problem:
        _fail(cell, resolver, (_WEIGHTS,), str(problem).removeprefix("model.weights: "))
    for weights in given:
        target = tuple(weights.setting.split("."))
        file = weights.package is None and target == _WEIGHTS
        try:
            if file and not Path(expanded(weights.path)).is_file():
                raise BadInput(_no_weights_file(weights.path, resolver.folder))
            _ = weights.digest
        except BadInput as problem:
            _fail(cell, resolver, (target,), str(problem))


def _no_weights_file(path: str, folder: Path) -> str:
    """What is wrong with `model.weights`, which once was relative to the working directory."""
    written = os.path.relpath(path, folder) if os.path.isabs(path) else path
    lies = "; one of that name lies in the working directory" if Path(written).is_file() else ""
    return (
        f"{expanded(path)}: no such file{lies}; valid: {', '.join(NO_FILE)}, or a file of backbone "
        "weights, relative to the grid file"
    )


def check_rules(cells: Iterable[Cell], resolver: Resolver) -> None:
    """Raise BadInput at a rule that no cell, and no cell's teacher, is ever touched by."""
    cells = list(cells)
    for when, origin in resolver.block.rules:
        if any(holds(when, cell.coordinates) for cell in cells):
            continue
        teachers = (resolver.teacher_coordinates(cell.axes) for cell in cells if cell.supervised)
        if not any(holds(when, coordinates) for coordinates in teachers):
            origin.document.fail((*origin.path, "when"), "matches no cell")
