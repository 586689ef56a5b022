"""What is in a run's identity, setting by setting, and what is not."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gdsweep.config import (
    CellSettings,
    CheckpointRef,
    CityscapesData,
    CocoData,
    ImageSet,
    MilestoneRef,
    RunConfig,
    ShapesData,
)
from gdsweep.grid import Trajectory, trajectory, why
from gdsweep.grid.names import Target, leaves

ALL = "supervised guided self-distilled"
STUDENT = "guided self-distilled"

# every setting but the data set: another value, in which objectives' identities it is, and what
# must hold for it to have any effect
DECISIONS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "method": ("no-burn-in", "", {}),
    "seed": (1, ALL, {}),
    "variant": ("longer", "", {}),
    "labels.percent": (10.0, ALL, {}),
    "labels.seed": (7, ALL, {}),
    "labels.pool": ("complement", STUDENT, {}),
    "labels.extra": (False, "", {}),  # of a data set that has some: below
    "labels.file": ("list.txt", "", {}),  # below 100 %: below
    "labels.sampler": ("repeat-factor", "supervised", {}),
    "labels.repeat_threshold": (5.0, STUDENT, {}),
    "augmentation.geometry": ("resized-crop", ALL, {}),
    "augmentation.crop": ((512, 512), ALL, {}),
    "augmentation.scale": ((0.5, 1.5), ALL, {}),
    "augmentation.short_edges": ((600,), ALL, {"augmentation.geometry": "edge-crop"}),
    "augmentation.max_edge": (2048, ALL, {"augmentation.geometry": "edge-crop"}),
    "augmentation.flip": (0.0, ALL, {}),
    "augmentation.empty_targets": ("all", ALL, {}),
    "augmentation.colour_distortion": (True, ALL, {}),
    "augmentation.strong": ("none", STUDENT, {}),
    "augmentation.labelled_strong": (0.5, ALL, {}),
    "augmentation.copy_paste": (0.5, ALL, {}),
    "augmentation.test_short_edge": (640, ALL, {}),
    "augmentation.test_max_edge": (1000, ALL, {}),
    "model.backbone": ("resnet18", ALL, {}),
    "model.weights": ("random", ALL, {}),
    "model.norm": ("batch", ALL, {}),
    "model.architecture": ("mask-rcnn", ALL, {}),
    "model.init": (__file__, ALL, {}),
    "model.freeze_backbone": (True, ALL, {}),
    "model.vit_resize": ("bilinear", ALL, {}),
    "model.vit_positions": ("bicubic", ALL, {}),
    "model.drop_path": (0.3, ALL, {}),
    "model.hidden": (128, ALL, {}),
    "model.heads": (4, ALL, {}),
    "model.queries": (50, ALL, {}),
    "model.encoder_layers": (3, ALL, {}),
    "model.encoder_points": (2, ALL, {}),
    "model.encoder_feedforward": (512, ALL, {}),
    "model.decoder_layers": (3, ALL, {}),
    "model.decoder_feedforward": (512, ALL, {}),
    "model.pixel_decoder_precision": ("autocast", ALL, {}),
    "model.vit_layers": ((3, 6, 9, 12), ALL, {}),
    "model.vit_grid": (40, ALL, {"model.architecture": "eomt"}),
    "model.query_blocks": (3, ALL, {"model.architecture": "eomt"}),
    "model.masked_attention": ("never", ALL, {"model.architecture": "eomt"}),
    "loss.lambda_c": (1.0, ALL, {}),
    "loss.lambda_ce": (1.0, ALL, {}),
    "loss.lambda_d": (1.0, ALL, {}),
    "loss.no_object": (0.2, ALL, {}),
    "loss.points": (100, ALL, {}),
    "loss.oversample": (2.0, ALL, {}),
    "loss.importance": (0.5, ALL, {}),
    "loss.groups": (8, ALL, {}),
    "optimizer.algorithm": ("sgd", ALL, {}),
    "optimizer.momentum": (0.8, ALL, {"optimizer.algorithm": "sgd"}),
    "optimizer.lr": (1e-3, ALL, {}),
    "optimizer.weight_decay": (0.0, ALL, {}),
    "optimizer.backbone_multiplier": (1.0, ALL, {}),
    "optimizer.layer_decay": (0.8, ALL, {}),
    "optimizer.clip_norm": (1.0, ALL, {}),
    "optimizer.precision": ("fp32", ALL, {}),
    "optimizer.tf32": ("all", ALL, {}),
    "optimizer.average": (0.99, "supervised", {}),
    "schedule.iterations": (1000, ALL, {}),
    "schedule.kind": ("constant", ALL, {}),
    "schedule.drops": ((0.5,), ALL, {}),
    "schedule.gamma": (0.5, ALL, {}),
    "schedule.power": (0.5, ALL, {"schedule.kind": "poly"}),
    "schedule.warmup": (10, ALL, {}),
    "batch.labelled": (8, ALL, {}),
    "batch.unlabelled": (8, STUDENT, {}),
    "batch.micro": (2, ALL, {"model.norm": "batch"}),
    "distillation.lambda_u": (1.0, STUDENT, {}),
    "distillation.alpha_c": (0.9, STUDENT, {}),
    "distillation.alpha_s": (9.0, STUDENT, {}),
    "distillation.alpha": (0.9, "self-distilled", {}),
    "distillation.burn_in": (7, "", {}),
    "distillation.teacher.at": (7, "", {}),
    "distillation.teacher.network": ("teacher", "", {}),
    "distillation.teacher.of.backbone": ("resnet18", "", {}),
    "distillation.teacher.init": (__file__, "guided", {}),
    "distillation.student_init": ("own", "guided", {}),
    "distillation.suppress_overlap": (0.5, STUDENT, {}),
    "distillation.alpha_m": (0.9, STUDENT, {}),
    "distillation.adaptive": (0.99, STUDENT, {}),
    "distillation.ignore_above": (0.4, STUDENT, {}),
    "distillation.label_weights": ("quality", STUDENT, {}),
    "distillation.fine_tune": (7, "", {}),
    "distillation.fine_tune_lr": (1e-5, "", {}),
    "distillation.teacher_precision": ("bf16", STUDENT, {}),
    "evaluation.period": (100, ALL, {}),
    "evaluation.select": ("final", "", {}),
    "evaluation.network": ("teacher", "", {}),
    "evaluation.detections": (10, ALL, {}),
    "evaluation.pseudo_labels": (50, "", {}),
    "evaluation.tiles": ((80, 80), ALL, {}),
    "evaluation.tile_overlap": (16, ALL, {"evaluation.tiles": (80, 80)}),
    "resources.nodes": (2, "", {}),
    "resources.gpus": (1, "", {}),
    "resources.cpus": (1, "", {}),
    "resources.hours": (1.0, "", {}),
    "resources.workers": (0, "", {}),
    "resources.device": ("cpu", "", {}),
    "resources.attention": ("sdpa", "", {}),
    "resources.deformable_attention": ("pytorch", "", {}),
    "resources.deterministic": (True, "", {}),
    "resources.compile": (True, "", {}),
    "resources.cudnn_benchmark": (True, "", {}),
    "resources.channels_last": (True, "", {}),
    "resources.activation_checkpointing": (True, "", {}),
    "resources.checkpoint_period": (7, "", {}),
    "resources.log_period": (7, "", {}),
}

# without effect unless something else is so
IDLE: dict[str, dict[str, Any]] = {
    "augmentation.short_edges": {"augmentation.geometry": "scale-jitter"},
    "augmentation.max_edge": {"augmentation.geometry": "resized-crop"},
    "augmentation.scale": {"augmentation.geometry": "edge-crop"},
    "augmentation.test_max_edge": {"augmentation.test_short_edge": None},
    "evaluation.tile_overlap": {"evaluation.tiles": None},
    "optimizer.momentum": {"optimizer.algorithm": "adamw"},
    "schedule.drops": {"schedule.kind": "poly"},
    "schedule.gamma": {"schedule.kind": "constant"},
    "schedule.power": {"schedule.kind": "multistep"},
    "batch.micro": {"model.norm": "frozen"},
    "labels.repeat_threshold": {"labels.sampler": "uniform"},
    "loss.groups": {"model.architecture": "mask-rcnn"},
    "model.hidden": {"model.architecture": "eomt"},
    "model.pixel_decoder_precision": {"optimizer.precision": "fp32"},
    "model.decoder_layers": {"model.architecture": "eomt"},
    "model.vit_layers": {"model.architecture": "eomt"},
    "model.vit_grid": {"model.architecture": "mask2former"},
    "model.query_blocks": {"model.architecture": "mask2former"},
    "model.masked_attention": {"model.architecture": "mask-rcnn"},
}

BASE = CellSettings(dataset=ShapesData(name="shapes"))
PARENTS: dict[str, dict[str, Any]] = {
    "supervised": {},
    "guided": {"teacher": CheckpointRef(run="t", at="best")},
    "self-distilled": {"parent": MilestoneRef(run="p", at=50)},
}


def changed(settings: CellSettings, changes: dict[str, Any]) -> CellSettings:
    content = settings.model_dump()
    for key, value in changes.items():
        *path, last = key.split(".")
        place = content
        for part in path:
            place = place[part]
        place[last] = value
    return CellSettings.model_validate(content)


def run(objective: Any, settings: CellSettings) -> Trajectory:
    return trajectory(objective, settings, **PARENTS[objective])


def value(settings: CellSettings, target: Target) -> Any:
    found: Any = settings
    for part in target:
        found = getattr(found, part)
    return found


def test_every_setting_has_a_decision() -> None:
    assert set(DECISIONS) == {".".join(target) for target in leaves()} - {"dataset"}


@pytest.mark.parametrize("objective", PARENTS)
@pytest.mark.parametrize("key", DECISIONS)
def test_what_changes_an_identity(key: str, objective: str) -> None:
    other, objectives, given = DECISIONS[key]
    before, after = changed(BASE, given), changed(BASE, {**given, key: other})
    assert value(before, tuple(key.split("."))) != other
    a, b = run(objective, before), run(objective, after)
    assert (a.name != b.name) == (objective in objectives.split())
    assert (a.identity != b.identity) == (a.name != b.name)


@pytest.mark.parametrize("objective", PARENTS)
@pytest.mark.parametrize("key", IDLE)
def test_what_has_no_effect_is_no_identity(key: str, objective: str) -> None:
    before = changed(BASE, IDLE[key])
    after = changed(BASE, {**IDLE[key], key: DECISIONS[key][0]})
    assert run(objective, before).name == run(objective, after).name


@pytest.mark.parametrize("objective", PARENTS)
def test_runs_of_one_name_have_one_configuration(objective: str) -> None:
    for key, (other, objectives, given) in DECISIONS.items():
        if objective in objectives.split() or key.split(".")[0] == "resources":
            continue
        if key == "evaluation.pseudo_labels" and objective != "supervised":
            continue  # as resources: what is logged, not what is trained
        before, after = changed(BASE, given), changed(BASE, {**given, key: other})
        assert run(objective, before).config == run(objective, after).config, key


def test_strong_views_of_labelled_images_are_in_a_supervised_identity() -> None:
    both = {"augmentation.labelled_strong": 0.5}
    a = run("supervised", changed(BASE, both))
    b = run("supervised", changed(BASE, {**both, "augmentation.strong": "colour+cutout"}))
    assert a.name != b.name


def test_what_defaults_stand_for() -> None:
    assert run("guided", BASE).name == run("guided", changed(BASE, {"labels.seed": 0})).name
    explicit = changed(BASE, {"labels.sampler": "repeat-factor"})
    assert run("guided", BASE).name == run("guided", explicit).name
    explicit = changed(BASE, {"labels.sampler": "uniform"})
    assert run("supervised", BASE).name == run("supervised", explicit).name
    assert run("supervised", BASE).config.settings.labels.sampler == "uniform"
    assert run("self-distilled", BASE).config.settings.labels.sampler == "repeat-factor"
    assert run("supervised", changed(BASE, {"seed": 3})).config.settings.labels.seed == 3


def test_a_generated_data_set_is_how_it_is_generated() -> None:
    names = set()
    for change in ({}, {"name": "b"}, {"size": 96}, {"train": 9}, {"val": 9}, {"test": 9}):
        data = ShapesData(**{"name": "shapes", **change})
        names.add(run("supervised", BASE.model_copy(update={"dataset": data})).name)
    for change in ({"world": 1}, {"objects": (1, 4)}, {"radius": (9, 16)}):
        data = ShapesData(**{"name": "shapes", **change})
        names.add(run("supervised", BASE.model_copy(update={"dataset": data})).name)
    assert len(names) == 9


def test_a_data_set_of_files_is_its_name() -> None:
    def name(objective: str, **change: Any) -> str:
        images = ImageSet(images="i", annotations="a")
        data = CocoData(**{"name": "street", "train": images, "val": images, **change})
        return run(objective, BASE.model_copy(update={"dataset": data})).name

    elsewhere = ImageSet(images="/x", annotations="/y")
    moved = {"root": "/data", "train": elsewhere, "val": elsewhere, "test": elsewhere}
    assert name("supervised") == name("supervised", **moved)
    assert name("supervised") != name("supervised", name="road")
    assert name("supervised") == name("supervised", scaling="full")
    assert name("supervised") != name("supervised", scaling="percentile")
    assert name("supervised", scaling=[0, 9]) != name("supervised", scaling=[0, 8])
    extra = ImageSet(images="more")
    assert name("supervised") == name("supervised", unlabelled=extra)
    assert name("guided") != name("guided", unlabelled=extra)


@pytest.mark.parametrize("objective", PARENTS)
def test_extra_images_count_where_they_are_used(objective: str) -> None:
    images = ImageSet(images="i", annotations="a")
    more = {"unlabelled": ImageSet(images="more")}
    names = {}
    for key, data in {
        "coco": CocoData(name="street", train=images, val=images),
        "coco and more": CocoData(name="street", train=images, val=images, **more),
        "cityscapes": CityscapesData(name="street"),
        "cityscapes and more": CityscapesData(name="street", extra=True),
    }.items():
        for used in (True, False):
            settings = changed(BASE.model_copy(update={"dataset": data}), {"labels.extra": used})
            names[key, used] = run(objective, settings).name
    for key in ("coco", "cityscapes"):
        without = {names[key, True], names[key, False], names[f"{key} and more", False]}
        assert len(without) == 1
        assert (names[f"{key} and more", True] in without) == (objective == "supervised")


def test_cityscapes_is_its_name_and_its_kind_of_masks() -> None:
    def name(**change: Any) -> str:
        data = CityscapesData(**{"name": "streets", **change})
        return run("supervised", BASE.model_copy(update={"dataset": data})).name

    assert name() == name(root="/elsewhere")
    assert len({name(), name(name="roads"), name(masks="polygons")}) == 3


@pytest.mark.parametrize("objective", PARENTS)
def test_a_published_split_is_its_list(objective: str, tmp_path: Path) -> None:
    def name(content: str, file: str = "list.txt", **change: Any) -> str:
        (tmp_path / file).write_text(content)
        changes = {"labels.file": str(tmp_path / file), "labels.percent": 5.0}
        return run(objective, changed(BASE, {**changes, **change})).name

    drawn = run(objective, changed(BASE, {"labels.percent": 5.0}))
    assert "list" not in drawn.identity["labels"]
    one = name("train/1\ntrain/2\n")
    assert one != drawn.name
    assert one == name("train/2\ntrain/1\n\n", "other.txt")  # neither place nor order
    assert one != name("train/1\ntrain/3\n")
    seeds = '{"5.0": {"0": [3, 1], "1": [1, 3], "2": [1, 2]}}'
    one = name(seeds, **{"labels.seed": 0})
    assert one != name(seeds, **{"labels.seed": 2})
    both = [name(seeds, **{"labels.seed": 0, "labels.percent": p}) for p in (100.0, 5.0)]
    assert both[1] == one
    assert both[0] == run(objective, changed(BASE, {"labels.seed": 0})).name


def test_parents_and_teachers_are_in_an_identity() -> None:
    one = trajectory("guided", BASE, teacher=CheckpointRef(run="t", at="best"))
    for other in (
        CheckpointRef(run="u", at="best"),
        CheckpointRef(run="t", at=5),
        CheckpointRef(run="t", at="best", network="teacher"),
    ):
        assert trajectory("guided", BASE, teacher=other).name != one.name
    forks = {
        trajectory("self-distilled", BASE, parent=parent).name
        for parent in (None, MilestoneRef(run="a", at=5), MilestoneRef(run="a", at=6))
    }
    assert len(forks) == 3


def test_depends() -> None:
    assert run("supervised", BASE).depends == ()
    assert run("guided", BASE).depends == (("t", "best"),)
    assert run("self-distilled", BASE).depends == (("p", 50),)
    assert [run(objective, BASE).start for objective in PARENTS] == [0, 0, 50]


def test_names_are_readable() -> None:
    settings = changed(BASE, {"labels.percent": 0.4, "model.backbone": "resnet50.tv_in1k"})
    name = run("supervised", settings).name
    assert name.startswith("shapes-0.4pct-resnet50-supervised-s0-")
    assert len(name.rsplit("-", 1)[1]) == 8
    odd = changed(BASE, {"model.backbone": "hf-hub:someone/net work"})
    assert run("guided", odd).name.startswith("shapes-100pct-net_work-guided-s0-")
    large = changed(BASE, {"labels.percent": 33.333333})
    assert run("guided", large).name.startswith("shapes-33.333333pct-")


@pytest.mark.parametrize("objective", PARENTS)
def test_a_configuration_survives_its_file(objective: str) -> None:
    config = run(objective, changed(BASE, {"distillation.suppress_overlap": 0.5})).config
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    again = RunConfig.model_validate(yaml.safe_load(text))
    assert again == config
    assert again.settings.augmentation.crop == (1024, 1024)
    # a trainer's settings, as they are read, give the same name again
    refs = {"parent": again.parent, "teacher": again.teacher}
    assert trajectory(again.objective, again.settings, **refs).name == config.run


@pytest.mark.parametrize("objective", PARENTS)
def test_an_identity_survives_its_file(objective: str) -> None:
    identity = run(objective, BASE).identity
    assert why(identity, json.loads(json.dumps(identity))) == []


def test_names_never_change_by_accident() -> None:
    # a run's name is for ever: if this fails, raise IDENTITY_VERSION or undo what you did
    views = {"augmentation.geometry": "resized-crop", "augmentation.scale": (0.7, 1.0)}
    base = changed(BASE, views)
    assert run("supervised", base).name == "shapes-100pct-resnet50-supervised-s0-e3832757"
    assert run("guided", base).name == "shapes-100pct-resnet50-guided-s0-6215fa7c"
    assert run("self-distilled", base).name == "shapes-100pct-resnet50-self-distilled-s0-79d55f9f"
    assert run("supervised", BASE).name == "shapes-100pct-resnet50-supervised-s0-587258ee"


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, 2),
        ({"augmentation.flip": 0.0}, 1),
        ({"augmentation.geometry": "edge-crop"}, 1),
        ({"augmentation.geometry": "resized-crop"}, 1),
    ],
)
def test_a_run_keeps_the_version_that_last_changed_what_it_uses(
    changes: dict[str, Any], version: int
) -> None:
    """Version 2 mirrors an image of `scale-jitter` before it is cut."""
    for objective in PARENTS:
        assert run(objective, changed(BASE, changes)).identity["version"] == version


def test_there_are_no_more_groups_than_images() -> None:
    few, more = changed(BASE, {"loss.groups": 16}), changed(BASE, {"loss.groups": 40})
    assert run("supervised", few).name == run("supervised", more).name
    batch = {"batch.labelled": 4, "batch.unlabelled": 8}
    few, more = (changed(BASE, {**batch, "loss.groups": groups}) for groups in (4, 8))
    assert run("supervised", few).name == run("supervised", more).name
    assert run("guided", few).name != run("guided", more).name
