"""Targets in whatever form give a view the same masks."""

import pytest
import torch
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.data import Instances, WeakView
from gdsweep.data.instances import MapInstances

GEOMETRIES = ("edge-crop", "scale-jitter", "resized-crop")


def held(seed: int) -> tuple[MapInstances, Instances]:
    """A map of rectangles, some of them hidden behind others, and the same as masks."""
    draw = torch.Generator().manual_seed(seed)
    numbers = torch.tensor([24000, 24001, 26000, 26017, 33002], dtype=torch.int32)
    found = torch.full((70, 90), 7, dtype=torch.int32)
    for number in [*numbers.tolist(), 26, 23]:  # a group and the sky may lie on top
        top, left = (int(torch.randint(60, (), generator=draw)) for _ in range(2))
        found[top : top + 25, left : left + 40] = number
    numbers = numbers[torch.isin(numbers, found)]
    labels = torch.arange(len(numbers))
    masks = torch.stack([found == number for number in numbers.tolist()])
    return MapInstances(labels, numbers, found), Instances(labels, masks)


@pytest.mark.parametrize("seed", range(5))
def test_a_map_is_cut_as_its_masks_are(seed: int) -> None:
    of_map, of_masks = held(seed)
    assert len(of_map) == len(of_masks)
    assert torch.equal(of_map.masks, of_masks.masks)
    for rows, columns in (
        (torch.arange(70), torch.arange(90)),
        (torch.randint(70, (40,)), torch.randint(90, (11,)).sort(descending=True).values),
        (torch.tensor([3]), torch.tensor([4, 4])),
    ):
        cut = of_map.cut(rows, columns)
        assert torch.equal(cut, of_masks.cut(rows, columns))
        assert cut.is_contiguous()
        assert torch.equal(of_map.reach(rows, columns), cut.flatten(1).any(1))
        assert torch.equal(of_map.reach(rows, columns), of_masks.reach(rows, columns))


def test_a_map_without_instances() -> None:
    none = torch.zeros(0, dtype=torch.int32)
    of_map = MapInstances(none.long(), none, torch.zeros(70, 90, dtype=torch.int32))
    assert of_map.masks.shape == (0, 70, 90)
    assert of_map.cut(torch.arange(3), torch.arange(4)).shape == (0, 3, 4)
    assert of_map.reach(torch.arange(3), torch.arange(4)).shape == (0,)


@pytest.mark.parametrize("kept", ["none", "in-window", "all"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_views_of_a_map_are_those_of_its_masks(geometry: str, kept: str) -> None:
    settings = AugmentationSettings.model_validate(
        {
            "geometry": geometry,
            "empty_targets": kept,
            "crop": (30, 40),
            "scale": (0.2, 0.9),
            "short_edges": (40, 60, 90),
        }
    )
    view, image = WeakView(settings), torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8)

    def look(targets: Instances | MapInstances, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        torch.manual_seed(seed)
        seen, found = view(image, targets)
        assert found is not None
        return seen, found.labels, found.masks

    for seed in range(20):
        of_map, of_masks = held(seed)
        for one, other in zip(look(of_map, seed), look(of_masks, seed), strict=True):
            assert torch.equal(one, other)
