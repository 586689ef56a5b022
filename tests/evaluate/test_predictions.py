"""Predictions on an image set: one pass for all networks, alike with any number of threads."""

import pytest
import torch
from tiny import TINY

from gdsweep.config import CellSettings
from gdsweep.data import open_dataset
from gdsweep.evaluate import predict_dataset
from gdsweep.model import build_network

SETTINGS = CellSettings.model_validate(TINY)


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return [build_network(SETTINGS.model, 3).train(mode) for mode in (True, False)]


@pytest.fixture(scope="module")
def images():
    class Counted:
        """A data set that counts how often its images are read."""

        def __init__(self, dataset):
            self.dataset, self.read = dataset, []

        def __len__(self):
            return len(self.dataset)

        def __getattr__(self, name):
            return getattr(self.dataset, name)

        def image(self, index):
            self.read.append(index)
            return self.dataset.image(index)

    return Counted(open_dataset(SETTINGS.dataset).val)


def predicted(networks, images, **options):
    images.read.clear()
    return predict_dataset(networks, images, SETTINGS.augmentation, 10, **options)


def test_networks_share_one_pass_and_threads_change_nothing(networks, images):
    both = predicted(networks, images)
    assert sorted(images.read) == list(range(len(images)))
    assert [network.training for network in networks] == [True, False]
    assert [found["image_id"] for found in both[0]] == sorted(
        id_ for id_ in images.image_ids for _ in range(10)
    )
    assert both == [predicted([network], images)[0] for network in networks]
    assert both[0] != both[1]
    assert both == predicted(networks, images, workers=3)
    shares = [predicted(networks, images, rank=rank, world=2, workers=2) for rank in range(2)]
    assert sum(len(share[1]) for share in shares) == len(both[1])
    assert {r["image_id"] for r in shares[0][1]} == {*list(images.image_ids)[::2]}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stop_gives_nothing_and_ends_the_threads(networks, images, workers):
    assert predicted(networks, images, should_stop=lambda: True, workers=workers) is None
    assert [network.training for network in networks] == [True, False]


def test_what_cannot_be_read_is_raised_from_a_thread(networks, images, monkeypatch):
    def broken(index):
        raise OSError(f"{index} is broken")

    monkeypatch.setattr(images.dataset, "image", broken)
    with pytest.raises(OSError, match="0 is broken"):
        predicted(networks, images, workers=2)
