"""How many images fit on a card: the table, the margin, the share of a process."""

import pytest

from gdsweep.config import CellSettings, RunConfig
from gdsweep.grid.names import backbone_names
from gdsweep.grid.presets import backbone, shipped_dataset
from gdsweep.plan.memory import Card, _table, fit, memory_of
from gdsweep.plan.plan import PlannedRun
from gdsweep.runs import Wanted


def config(objective: str = "supervised", **groups: dict) -> RunConfig:
    settings = CellSettings.model_validate(
        {"dataset": shipped_dataset("coco").data.model_dump(), **groups}
    )
    return RunConfig.model_validate({"run": "r", "objective": objective, "settings": settings})


def test_every_shipped_backbone_is_in_the_table() -> None:
    known = _table()["mask2former"]
    assert {backbone(name).timm.partition(".")[0] for name in backbone_names()} <= set(known)


def test_the_papers_recipe_fits_a_card_of_80_gib_and_a_smaller_one_takes_fewer_images() -> None:
    large = {"backbone": "swin_large_patch4_window12_384.ms_in22k", "queries": 200}
    memory = memory_of(config(model=large))
    assert memory is not None
    assert memory.share == 2  # 16 images on 8 GPUs
    assert memory.fitting(80) == 2
    assert memory.fitting(24) == 1
    assert memory.fitting(8) == 0
    assert memory.needed(2) == pytest.approx(memory.fixed + 2 * memory.image)


def test_what_is_computed_again_is_not_kept_and_fewer_gpus_have_larger_shares() -> None:
    vit = {"backbone": "vit_large_patch14_dinov2"}
    plain = memory_of(config(model=vit, resources={"gpus": 4}))
    frugal = memory_of(config(model=vit, resources={"gpus": 4, "activation_checkpointing": True}))
    assert plain is not None
    assert frugal is not None
    assert plain.share == frugal.share == 4
    assert frugal.image < 0.5 * plain.image
    student = memory_of(config("guided", model=vit, batch={"labelled": 8, "unlabelled": 64}))
    assert student is not None
    assert student.share == 8


def test_other_sizes_crops_and_networks_are_not_guessed() -> None:
    assert memory_of(config(model={"hidden": 64, "heads": 4})) is None
    assert memory_of(config(augmentation={"crop": [96, 96]})) is None
    assert memory_of(config(model={"backbone": "test_resnet"})) is None


def planned(**groups: dict) -> PlannedRun:
    made = config(**groups)
    return PlannedRun(made, Wanted(), (), "new", 0, 10, 0, 10, 10, ())


LARGE = {"backbone": "swin_large_patch4_window12_384.ms_in22k", "queries": 200}


def test_what_does_not_fit_is_forwarded_in_parts_and_told_once() -> None:
    runs = [planned(model=LARGE), planned(model=LARGE), planned()]
    fitted, lines = fit(runs, lambda run: Card(24, 8))
    assert [run.config.settings.batch.micro for run in fitted] == [1, 1, None]
    (line,) = lines
    assert line.startswith("swin_large_patch4_window12_384: 2 images need about 28 GiB, 24 are")
    assert line.endswith("1 at once (batch.micro) (2 runs)")


def test_one_gpu_has_the_whole_batch() -> None:
    (run,), _ = fit([planned()], lambda run: Card(48, 1))
    assert run.config.settings.batch.micro == 11  # (48 - 2 - 1) / (1.25 * 3.18)
    (run,), lines = fit([planned()], lambda run: Card(80, 8))
    assert (run.config.settings.batch.micro, lines) == (None, [])


def test_batch_statistics_are_left_alone_and_what_is_said_stands() -> None:
    synchronised = planned(model={**LARGE, "norm": "sync"})
    (run,), (line,) = fit([synchronised], lambda run: Card(24, 8))
    assert run == synchronised
    assert "batch.micro: 1 would fit" in line
    own = planned(model=LARGE, batch={"micro": 2})
    assert fit([own], lambda run: Card(24, 8)) == ([own], [])


def test_a_card_too_small_for_one_image_is_told_and_an_unknown_one_is_not_guessed() -> None:
    (run,), (line,) = fit([planned(model=LARGE)], lambda run: Card(8, 8))
    assert run.config.settings.batch.micro is None
    assert "one does not fit 8 either; see resources.activation_checkpointing" in line
    assert fit([planned(model=LARGE)], lambda run: None)[1] == []
