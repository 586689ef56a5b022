"""Sprites, read and written; all of one class."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gdsweep.config.sprites_format import SpritesData
from pycocotools import mask as rle
from torch import Tensor

from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.instances import Instances
from gdsweep.errors import BadInput


class SpritesDataset:
    """One split, in memory."""

    classes = ("sprite",)
    category_ids = (1,)

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as arrays:
                self._images, self._owners = arrays["images"], arrays["owners"]
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}") from None
        self.names = [f"{path.stem}/{index}" for index in range(len(self._images))]
        self.image_ids = range(1, len(self.names) + 1)

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Tensor:
        return torch.from_numpy(self._images[index]).permute(2, 0, 1)

    def path(self, index: int) -> None:
        return None

    def size(self, index: int) -> tuple[int, int]:
        height, width = self._owners[index].shape
        return height, width

    def instances(self, index: int) -> Instances:
        numbers = self._numbers(index)
        masks = torch.from_numpy(self._owners[index]) == torch.tensor(numbers)[:, None, None]
        return Instances(torch.zeros(len(numbers), dtype=torch.int64), masks)

    def labels_of(self, index: int) -> list[int]:
        return [0] * len(self._numbers(index))

    def classes_of(self, index: int) -> frozenset[int]:
        return frozenset(self.labels_of(index))

    def trainable(self) -> list[int]:
        return [index for index in range(len(self)) if self._numbers(index)]

    def annotated(self) -> list[int]:
        return self.trainable()

    def ground_truth(self) -> dict[str, Any]:
        images, annotations = [], []
        for index, (image_id, name) in enumerate(zip(self.image_ids, self.names, strict=True)):
            height, width = self.size(index)
            images.append({"id": image_id, "file_name": name, "height": height, "width": width})
            for mask in self.instances(index).masks.numpy():
                encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": 1,
                        "segmentation": {**encoded, "counts": encoded["counts"].decode()},
                        "area": float(mask.sum()),
                        "bbox": rle.toBbox(encoded).tolist(),
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": 1, "name": "sprite"}]
        return {"images": images, "annotations": annotations, "categories": categories}

    def _numbers(self, index: int) -> list[int]:
        return np.unique(self._owners[index][self._owners[index] > 0]).tolist()


def open_sprites(settings: SpritesData, extra: bool = True) -> DatasetSplits:
    splits = ("train", "val", "test") if settings.tested else ("train", "val")
    paths = {split: settings.resolved(f"{split}.npz") for split in splits}
    sets = {split: SpritesDataset(path) for split, path in paths.items()}
    fingerprint = {
        split: settings.fingerprint({path.name: hashlib.sha256(path.read_bytes()).hexdigest()})
        for split, path in paths.items()
    }
    test = sets.get("test", sets["val"])
    return DatasetSplits(sets["train"], sets["val"], test, None, fingerprint)


def write_sprites(folder: Path) -> None:
    folder.mkdir(parents=True)
    for seed, (split, count) in enumerate({"train": 8, "val": 3, "test": 2}.items()):
        rng = np.random.RandomState(seed)
        owners = np.zeros((count, 64, 64), np.uint8)
        for owner in owners:
            top, left = rng.randint(0, 32, 2)
            owner[top : top + 24, left : left + 24] = 1
        images = rng.randint(0, 100, (count, 64, 64, 3)) + 150 * (owners > 0)[..., None]
        np.savez(folder / f"{split}.npz", images=images.astype(np.uint8), owners=owners)
