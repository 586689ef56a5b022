"""What a plan says of settings beside its runs."""

from typing import Any

import pytest

from gdsweep.config import CellSettings, ShapesData
from gdsweep.plan.notes import _normalised_together


def settings(**changes: Any) -> CellSettings:
    return CellSettings.model_validate({"dataset": ShapesData(name="shapes"), **changes})


@pytest.mark.parametrize(
    ("gpus", "micro", "says"),
    [
        (8, None, None),
        (1, None, None),  # all 16 go through the one GPU together
        (8, 2, None),
        (1, 2, "is over 2 images, batch.micro 2 on 1 GPU, where the recipe has 16"),
        (4, 1, "is over 4 images, batch.micro 1 on 4 GPUs, where the recipe has 16"),
        (0, 1, "is over 1 image, batch.micro 1 on the CPU, where the recipe has 16"),
    ],
)
def test_statistics_of_fewer_images_than_the_recipes(
    gpus: int, micro: int | None, says: str | None
) -> None:
    found = _normalised_together(
        settings(model={"norm": "sync"}, resources={"gpus": gpus}, batch={"micro": micro})
    )
    assert [line.split("(model.norm: sync) ")[1] for line in found] == ([says] if says else [])


def test_other_norms_and_backbones_have_no_such_statistics() -> None:
    few: dict[str, Any] = {"resources": {"gpus": 1}, "batch": {"micro": 1}}
    assert _normalised_together(settings(model={"norm": "frozen"}, **few)) == []
    swin = {"norm": "sync", "backbone": "swin_large_patch4_window12_384.ms_in22k"}
    assert _normalised_together(settings(model=swin, **few)) == []
