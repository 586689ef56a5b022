"""The teacher's labels of a few images, kept at every evaluation so that they can be looked at.

The images are some of those whose pseudo-labels are measured (`train.label_quality`), as small
copies, so that pictures of them need no data set. Nothing of training depends on them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gdsweep import atomic
from gdsweep.data import ImageDataset
from gdsweep.evaluate.predictions import coco_results
from gdsweep.model import Predictions
from gdsweep.runs import RunDir
from gdsweep.runs.shown_labels import ShownImages

KEPT = 4
"""Images, evenly spaced over those that are measured."""
LONGEST = 480
"""Longest edge of a small copy, in pixels."""


def chosen(images: Sequence[int]) -> list[int]:
    """The images whose labels are kept, of those that are measured."""
    count = min(KEPT, len(images))
    return [images[(2 * k + 1) * len(images) // (2 * count)] for k in range(count)]


def small_results(
    train: ImageDataset, index: int, labels: Tensor, scores: Tensor, masks: Tensor
) -> list[dict[str, Any]]:
    """Labels of one image as COCO results at the size of its small copy.

    `labels` int64 [n], `scores` [n], `masks` bool [n, H, W] at the image's size.
    """
    rows, columns = _places(masks.shape[-2:])
    small = masks.cpu()[:, rows][:, :, columns]
    found = Predictions(labels.cpu(), scores.cpu(), small)
    return coco_results(found, int(train.image_ids[index]), train.category_ids)


def keep_images(run: RunDir, train: ImageDataset, images: Sequence[int]) -> None:
    """Write small copies of the images and what is annotated on them, once a run."""
    if run.shown_images.exists():
        return
    run.shown_images.parent.mkdir(exist_ok=True)
    truth = []
    for index in images:
        pixels, targets = train.image(index), train.instances(index)
        rows, columns = _places(pixels.shape[-2:])
        small = pixels[:, rows][:, :, columns].permute(1, 2, 0).contiguous().numpy()
        with atomic.replacing(run.shown_image(int(train.image_ids[index]))) as temporary:
            Image.fromarray(small).save(temporary, format="png")
        sure = torch.ones(len(targets))
        truth += small_results(train, index, targets.labels, sure, targets.masks)
    record = ShownImages(
        classes=dict(zip(train.category_ids, train.classes, strict=True)),
        images=[int(train.image_ids[index]) for index in images],
        truth=truth,
    )
    atomic.write_json_compact(run.shown_images, record.model_dump(mode="json"))


def keep_labels(run: RunDir, iteration: int, labels: Sequence[dict[str, Any]]) -> None:
    """Write what the teacher says at `iteration`, as `small_results` has it."""
    atomic.write_json_compact(run.shown_labels(iteration), list(labels))


def _places(size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Rows and columns of an image that its small copy has."""
    scale = max(max(size) / LONGEST, 1.0)
    rows, columns = (((torch.arange(round(edge / scale)) + 0.5) * scale).long() for edge in size)
    return rows.clamp(max=size[0] - 1), columns.clamp(max=size[1] - 1)
