"""What a labelled view costs beside decoding the image and the view without targets.

    python benchmarks/views.py --repeats 9

One frame of Cityscapes' size (1024 x 2048, cut to 512 x 1024) and one of COCO's usual size (480 x
640, cut to 1024 x 1024), with random pixels and rectangles for instances. `masks first` builds
every mask at the image's size and cuts it, `on the canvas` changes the colours of padding pixel by
pixel, as `gdsweep` did both before. All are timed in turn on the same windows; CPU seconds of this
process, means over the windows, one thread.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gdsweep.config import AugmentationSettings
from gdsweep.data import Instances, StrongView, WeakView
from gdsweep.data.cityscapes_ids import read_pixels
from gdsweep.data.image_file import read_image
from gdsweep.data.instances import MapInstances
from gdsweep.data.segmentation import EncodedInstances

CITYSCAPES = AugmentationSettings(
    geometry="edge-crop", crop=(512, 1024), colour_distortion=True, empty_targets="all"
)
COCO = AugmentationSettings(empty_targets="in-window")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("ms: the view with its targets; in brackets as a share of decode + view without targets")
    print(f"{'':26} {'no targets':>12} {'labelled':>16} {'masks first':>16}")
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, 20, 60):
            show(f"Cityscapes, {count} instances", street(Path(folder), count), options.repeats)
        for count in (1, 8, 60):
            show(f"COCO, {count} instances", photograph(Path(folder), count), options.repeats)
        print()
        print(f"{'':26} {'weak alone':>12} {'and strong':>16} {'on the canvas':>16}")
        show("COCO, unlabelled", unlabelled(Path(folder)), 4 * options.repeats)


def show(what: str, works: list[Callable[[], Any]], repeats: int) -> None:
    """Time the three in turn and print a line."""
    times: list[list[float]] = [[] for _ in works]
    for repeat in range(repeats):
        for place, work in enumerate(works):
            torch.manual_seed(repeat)
            start = time.process_time()
            work()
            times[place].append(time.process_time() - start)
    base, *others = (1000 * statistics.fmean(found) for found in times)
    shown = [f"{ms:8.1f} ({ms / base:4.2f})" for ms in others]
    print(f"{what:26} {base:12.1f} {shown[0]:>16} {shown[1]:>16}")


def street(folder: Path, count: int) -> list[Callable[[], Any]]:
    """A frame's view without targets, with its map, and with its masks built first."""
    rng, view = np.random.RandomState(0), WeakView(CITYSCAPES)
    image, truth = folder / "frame.png", folder / "ids.png"
    coarse = rng.randint(0, 256, (64, 128, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((2048, 1024), Image.Resampling.BICUBIC).save(image)
    held = np.full((1024, 2048), 7, np.uint16)
    for number in range(count):
        top, left, tall = rng.randint(900), rng.randint(1900), rng.randint(20, 200)
        held[top : top + tall, left : left + tall] = 26000 + number
    Image.fromarray(held).save(truth)
    numbers = torch.arange(26000, 26000 + count, dtype=torch.int32)
    labels = torch.zeros(count, dtype=torch.long)

    def of_map() -> None:
        found = torch.from_numpy(read_pixels(truth)[0])
        view(read_image(image), MapInstances(labels, numbers, found))

    def masks_first() -> None:
        found = torch.from_numpy(read_pixels(truth)[0])
        view(read_image(image), Instances(labels, found == numbers[:, None, None]))

    return [lambda: (read_pixels(truth), view(read_image(image), None)), of_map, masks_first]


def photograph(folder: Path, count: int) -> list[Callable[[], Any]]:
    """A photograph's view without targets, with run lengths, and with its masks decoded first."""
    rng, view = np.random.RandomState(0), WeakView(COCO)
    path = folder / "photograph.jpg"
    coarse = rng.randint(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).save(path)
    polygons = []
    for _ in range(count):
        x, y, radius = rng.uniform(0, 640), rng.uniform(0, 480), rng.uniform(5, 100)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        corners = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
        polygons.append([corners.clip(0, [640, 480]).ravel().tolist()])
    labels = torch.zeros(count, dtype=torch.long)

    def of_runs() -> None:
        view(read_image(path), EncodedInstances(labels, polygons, 480, 640))

    def masks_first() -> None:
        found = EncodedInstances(labels, polygons, 480, 640)
        view(read_image(path), Instances(found.labels, found.masks))

    return [lambda: view(read_image(path), None), of_runs, masks_first]


def unlabelled(folder: Path) -> list[Callable[[], Any]]:
    """A photograph's weak view, with its strong view, and with that of all of the canvas."""
    weak, strong = WeakView(COCO), StrongView(COCO)
    image = read_image(folder / "photograph.jpg")

    def known() -> None:
        window = weak.window(image.shape[1], image.shape[2])
        strong(weak(image, None, window)[0], window.size)

    return [lambda: weak(image, None), known, lambda: strong(weak(image, None)[0])]


if __name__ == "__main__":
    main()
