"""A network's predictions on an image set, in COCO's results format."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gdsweep.config import AugmentationSettings
from gdsweep.data import ImageDataset, resize_for_test
from gdsweep.evaluate.run_lengths import encode
from gdsweep.model import Network, Predictions

_BATCH = 16  # small scenes are an order quicker together; large photographs differ in size anyway


@torch.no_grad()
def predict_dataset(
    model: Network,
    dataset: ImageDataset,
    augmentation: AugmentationSettings,
    detections: int,
    rank: int = 0,
    world: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]] | None:
    """Instances predicted on every `world`-th image of a data set, from the `rank`-th on.

    Images are resized as `augmentation` says and the masks brought back to the image's own size.
    The network is put in evaluation mode and back. Uses no random numbers.

    Returns:
        COCO results: `image_id`, `category_id`, `segmentation` (compressed RLE) and `score`. None
        where `should_stop`, asked before every batch, has said so.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    results: list[dict[str, Any]] = []
    stopped = False
    for indices in equal_sizes(dataset, range(rank, len(dataset), world)):
        if should_stop():
            stopped = True
            break
        images = [resize_for_test(dataset.image(i), augmentation).to(device) for i in indices]
        original_sizes = [dataset.size(i) for i in indices]
        predictions = model.predict(images, original_sizes, detections)
        for index, instances in zip(indices, predictions, strict=True):
            results += coco_results(instances, dataset.image_ids[index], dataset.category_ids)
    model.train(training)
    return None if stopped else results


def coco_results(
    instances: Predictions, image_id: int, category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """One image's predictions in COCO's results format; label k is category `category_ids[k]`."""
    # one at a time: a hundred masks of a scan are gigabytes
    encoded = [encode(m.cpu().numpy()) for m in instances.masks]
    labels, scores = instances.labels.tolist(), instances.scores.tolist()
    return [
        {
            "image_id": image_id,
            "category_id": category_ids[label],
            "segmentation": {**mask, "counts": mask["counts"].decode("ascii")},
            "score": score,
        }
        for label, score, mask in zip(labels, scores, encoded, strict=True)
    ]


def equal_sizes(dataset: ImageDataset, indices: Sequence[int]) -> Iterator[list[int]]:
    """Neighbours of one size, to be forwarded together: padding would change the result."""
    group: list[int] = []
    for index in indices:
        if group and (len(group) == _BATCH or dataset.size(index) != dataset.size(group[0])):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
