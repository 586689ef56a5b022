"""Scoring a network: masks to run lengths, and the wall time of a pass over some images.

    python benchmarks/evaluation.py --images 48 --workers 2

Run lengths: 100 ellipses at 1024 x 2048, beside pycocotools on copies in its order. A pass:
photographs of 480 x 640 pixels read from JPEG files, predicted by a tiny network and encoded, with
reading and encoding in threads. The least a pass can take is what the network takes alone, or what
reading and encoding take alone divided by the threads, whichever is longer.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as rle
from rows import Row, Spread, in_turn, other_work

from gdsweep.config import AugmentationSettings, ModelSettings
from gdsweep.data import resize_for_test
from gdsweep.data.image_file import read_image
from gdsweep.evaluate import predict_dataset
from gdsweep.evaluate.predictions import coco_results
from gdsweep.evaluate.run_lengths import encode
from gdsweep.model import Mask2Former

TINY = ModelSettings(
    backbone="resnet18",
    weights="random",
    hidden=64,
    encoder_layers=1,
    encoder_feedforward=64,
    decoder_layers=3,
    decoder_feedforward=64,
)
VIEWS = AugmentationSettings(test_short_edge=480, test_max_edge=640)
DETECTIONS = 20
PASS, CORES = "evaluation of photographs, with threads", f"CPU, {os.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [run_lengths(options.repeats)]
    note = other_work() if options.rows else ""
    if note:
        rows.append(Row(PASS, "seconds", None, device=CORES, goal=1.2, note=note))
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(passes(Photographs(Path(folder), options.images), options))
    for row in rows:
        if options.rows:
            row.print()
        else:
            print(f"{row.work}: {row.ours}, against {row.peer}, {row.parts}")


def run_lengths(repeats: int) -> Row:
    """100 masks at Cityscapes' size."""
    y, x = np.ogrid[:1024, :2048]
    random = np.random.default_rng(0)
    masks = []
    for _ in range(100):
        (cy, cx), (ry, rx) = random.random((2, 2)) * [[1024, 2048], [300, 300]] + [[0, 0], [8, 8]]
        masks.append(((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1)
    works: dict[str, Callable[[], Any]] = {
        "ours": lambda: [encode(mask) for mask in masks],
        "theirs": lambda: [rle.encode(np.asfortranarray(mask, np.uint8)) for mask in masks],
    }
    assert works["ours"]() == works["theirs"]()
    times = in_turn(works, repeats)
    return Row(
        "RLE of 100 masks at 1024 x 2048",
        "CPU-seconds",
        Spread.of(times["ours"]),
        goal=0.150,
        note=f"pycocotools on copies in its order, in the same process: "
        f"{Spread.of(times['theirs']).median:.3g} CPU-seconds; equal bytes",
    )


class Photographs:
    """Random photographs in JPEG files, as a data set for predictions."""

    category_ids = tuple(range(1, 81))

    def __init__(self, folder: Path, count: int) -> None:
        self.paths = [folder / f"{number}.jpg" for number in range(count)]
        self.image_ids = list(range(count))
        for number, path in enumerate(self.paths):
            coarse = np.random.RandomState(number).randint(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).save(path)

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> torch.Tensor:
        """Read one."""
        return read_image(self.paths[index])

    def size(self, index: int) -> tuple[int, int]:
        """Height and width."""
        return 480, 640


def passes(images: Photographs, options: argparse.Namespace) -> Row:
    """A pass with threads, against the longer of its two halves."""
    model = Mask2Former(TINY, 80).eval()
    read = [resize_for_test(images.image(index), VIEWS) for index in images.image_ids]
    sizes = [images.size(index) for index in images.image_ids]
    batches = [slice(start, start + 16) for start in range(0, len(read), 16)]
    found = [one for b in batches for one in model.predict(read[b], sizes[b], DETECTIONS)]

    def predict() -> None:
        for batch in batches:
            model.predict(read[batch], sizes[batch], DETECTIONS)

    def read_and_encode() -> None:
        for index, instances in enumerate(found):
            resize_for_test(images.image(index), VIEWS)
            coco_results(instances, index, images.category_ids)

    def whole(workers: int) -> Callable[[], Any]:
        data: Any = images
        return lambda: predict_dataset([model], data, VIEWS, DETECTIONS, workers=workers)

    works = {"predict": predict, "files": read_and_encode, "ours": whole(options.workers)}
    times = in_turn(works | {"in turn": whole(0)}, options.repeats, time.perf_counter)
    spreads = {name: Spread.of(values) for name, values in times.items()}
    least = [
        max(a, b / options.workers) for a, b in zip(times["predict"], times["files"], strict=True)
    ]
    return Row(
        PASS,
        "seconds",
        spreads["ours"],
        device=CORES,
        peer=Spread.of(least),
        peer_name="the longer of prediction and (reading + encoding) / threads",
        goal=1.2,
        parts={
            "prediction alone": spreads["predict"].median,
            "reading and encoding alone": spreads["files"].median,
            "all in turn": spreads["in turn"].median,
        },
        note=f"{len(images)} images, {options.workers} threads, which share the cores with the "
        "network here; on a GPU they do not",
    )


if __name__ == "__main__":
    main()
