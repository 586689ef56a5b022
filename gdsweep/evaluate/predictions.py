"""A network's predictions on an image set, in COCO's results format."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

from gdsweep.config import AugmentationSettings
from gdsweep.config.tiles import Tiling
from gdsweep.data import ImageDataset, resize_for_test
from gdsweep.evaluate.run_lengths import encode
from gdsweep.evaluate.tiles import Instance, predict_in_tiles
from gdsweep.model import Network, Predictions

Item = TypeVar("Item")
Result = TypeVar("Result")

_BATCH = 16  # small scenes are an order quicker together; large photographs differ in size anyway


@torch.no_grad()
def predict_dataset(
    models: Sequence[Network],
    dataset: ImageDataset,
    augmentation: AugmentationSettings,
    detections: int,
    rank: int = 0,
    world: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
    workers: int = 0,
    tiling: Tiling | None = None,
) -> list[list[dict[str, Any]]] | None:
    """Instances that networks predict on every `world`-th image, from the `rank`-th on.

    Images are read once for all networks, resized as `augmentation` says, and the masks brought
    back to the image's own size. The networks are put in evaluation mode and back. Uses no random
    numbers, and the results are the same with any number of workers.

    Args:
        models: the networks, all on one device.
        dataset: what they predict on.
        augmentation: the size of images for tests.
        detections: instances kept of each image, or of each tile of it.
        rank, world: which images.
        should_stop: asked before every batch.
        workers: threads that read images ahead, and encode masks behind; 0 does all in turn.
        tiling: tiles of the images that are larger than one, see `tiles`; None sees all whole.

    Returns:
        For each network, COCO results: `image_id`, `category_id`, `segmentation` (compressed RLE)
        and `score`. None where `should_stop` has said so.
    """
    device = next(models[0].parameters()).device
    mine = range(rank, len(dataset), world)
    stopped = False

    def tiled(index: int) -> bool:
        return tiling is not None and not tiling.fits(dataset.size(index))

    def read(index: int) -> Tensor:
        image = dataset.image(index)
        return image if tiled(index) else resize_for_test(image, augmentation)

    def predicted() -> Iterator[tuple[int, int, Predictions | list[Instance]]]:
        nonlocal stopped
        images = _in_order(read, mine, pool, 2 * workers)
        for indices in equal_sizes(dataset, mine):
            stopped = should_stop()
            if stopped:
                return
            if tiling is not None and tiled(indices[0]):
                for index in indices:
                    merged = predict_in_tiles(
                        models, next(images), tiling, augmentation, detections, should_stop
                    )
                    stopped = merged is None
                    if merged is None:
                        return
                    for place, objects in enumerate(merged):
                        yield place, index, objects
                continue
            batch = [next(images).to(device) for _ in indices]
            sizes = [dataset.size(index) for index in indices]
            for place, model in enumerate(models):
                found = model.predict(batch, sizes, detections)
                for index, instances in zip(indices, found, strict=True):
                    yield place, index, instances

    def encoded(
        found: tuple[int, int, Predictions | list[Instance]],
    ) -> tuple[int, list[dict[str, Any]]]:
        place, index, instances = found
        return place, coco_results(instances, dataset.image_ids[index], dataset.category_ids)

    results: list[list[dict[str, Any]]] = [[] for _ in models]
    with contextlib.ExitStack() as stack:
        for model in models:
            stack.callback(model.train, model.training)
            model.eval()
        pool = stack.enter_context(ThreadPoolExecutor(workers)) if workers else None
        for place, new in _in_order(encoded, predicted(), pool, _BATCH):
            results[place] += new
    return None if stopped else results


def _in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    pool: ThreadPoolExecutor | None,
    ahead: int,
) -> Iterator[Result]:
    """`work` of each item, in order; up to `ahead` items are begun before they are asked for."""
    if pool is None:
        yield from map(work, items)
        return
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) > ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def coco_results(
    instances: Predictions | list[Instance], image_id: int, category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """One image's predictions in COCO's results format; label k is category `category_ids[k]`."""
    if isinstance(instances, list):
        encoded = [one.mask for one in instances]
        labels, scores = [one.label for one in instances], [one.score for one in instances]
    else:
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
