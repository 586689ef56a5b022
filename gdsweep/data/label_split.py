"""Which training images keep their labels, and which are unlabelled (sec. 4.1 of the paper)."""

from collections.abc import Sequence
from typing import Literal

import torch

from gdsweep.config import LabelSettings, read_label_list
from gdsweep.data.dataset import ImageDataset
from gdsweep.data.sampler import derived_seed
from gdsweep.data.split_files import listed_images
from gdsweep.errors import BadInput


def labelled_indices(n: int, percent: float, seed: int) -> list[int]:
    """Draw max(1, round(n * percent / 100)) of n images, uniformly by image; ascending indices.

    The splits of one seed are nested: the images of 5 % are among those of 10 %.
    """
    generator = torch.Generator().manual_seed(derived_seed(seed, "label split"))
    order = torch.randperm(n, generator=generator).tolist()
    return sorted(order[: max(1, round(n * percent / 100))])


def labelled_images(dataset: ImageDataset, percent: float, seed: int) -> list[int]:
    """Indices of the images of `dataset` that keep their labels, ascending.

    As in detectron2, images without a training target are never labelled ones: the percentage is
    one of the others. Raises BadInput where there is no other.
    """
    candidates = dataset.trainable()
    if not candidates:
        raise BadInput("the training images have no instance to train on: check the annotations")
    return [candidates[k] for k in labelled_indices(len(candidates), percent, seed)]


def label_set(dataset: ImageDataset, labels: LabelSettings, seed: int) -> list[int]:
    """Indices of the labelled images, ascending: drawn, or as a published list has them.

    `seed` is the run's; it decides where `labels.seed` is None. Raises BadInput.
    """
    listed = read_label_list(labels, seed)
    if listed is not None:
        return listed_images(dataset, listed)
    return labelled_images(dataset, labels.percent, seed if labels.seed is None else labels.seed)


def unlabelled_indices(
    n: int, labelled: Sequence[int], pool: Literal["all", "complement"]
) -> list[int]:
    """Indices of the unlabelled pool among n training images.

    `all`: every image, as in the public code; `complement`: those not in `labelled`, as in the
    paper.
    """
    without = set(labelled) if pool == "complement" else set()
    return [index for index in range(n) if index not in without]
