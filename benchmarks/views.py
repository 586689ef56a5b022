"""What a labelled view costs beside decoding the image and the view without targets.

    python benchmarks/views.py --repeats 9

One frame of Cityscapes' size (1024 x 2048, cut to 512 x 1024) and one of COCO's usual size (480 x
640, cut to 1024 x 1024), with random pixels and rectangles for instances. `masks first` builds
every mask at the image's size and cuts it, `on the canvas` changes the colours of padding pixel by
pixel, as `gdsweep` did both before. All are timed in turn on the same windows; CPU seconds of this
process, means over the windows, one thread. With `--rows` COCO's views are compared with the usual
pipeline, as detectron2's is built: the whole image is resized by PIL, padded and cropped, polygons
become masks on the canvas one by one, and strong colours change all of the canvas.
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
from PIL import Image, ImageFilter
from pycocotools import mask as rle
from rows import Row, Spread, in_turn
from torchvision.transforms import v2

from gdsweep.config import AugmentationSettings
from gdsweep.data import Instances, StrongView, WeakView
from gdsweep.data.augment import Window, uniform
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
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.rows:
        print_rows(options.repeats)
        return
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


def print_rows(repeats: int) -> None:
    """The rows of RESULTS.md, over windows that ours and the peer share."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base, labelled, _ = street(folder, 20)
        rows.append(("Cityscapes labelled view, 20 instances", labelled, base, "no targets", 1.3))
        coco, usual = coco_labelled(folder, 8)
        named = "the usual pipeline"
        rows.append(("COCO labelled view, 8 instances", coco, usual, named, 0.6))
        _, ours, _ = unlabelled(folder)
        rows.append(("COCO unlabelled view", ours, usual_unlabelled(folder), named, 0.75))
        for work, ours, theirs, peer, goal in rows:
            views = {"ours": over(ours, repeats), "theirs": over(theirs, repeats)}
            times = in_turn(views, 3)
            Row(
                work,
                "CPU-seconds",
                Spread.of(times["ours"]),
                peer=Spread.of(times["theirs"]),
                peer_name="decode and image path" if peer == "no targets" else peer,
                goal=goal,
                parts=coco_parts(folder, repeats) if ours is coco else {},
                note=f"{repeats} windows at a time, the same for both",
            ).print()
    Row(
        "COCO views with colours on the device",
        "seconds",
        None,
        device="CUDA",
        goal=0.5,
        note="there is no such option: colours are PIL's, bit for bit as in the public code",
    ).print()


def over(view: Callable[[], Any], windows: int) -> Callable[[], Any]:
    """A view's work on so many windows, equal ones for all that share their random draws."""

    def work() -> None:
        for seed in range(windows):
            torch.manual_seed(seed)
            view()

    return work


def coco_parts(folder: Path, repeats: int) -> dict[str, float]:
    """CPU seconds of decoding photographs, of their windows, and what is left for masks."""
    path, view = folder / "photograph.jpg", WeakView(COCO)
    ours, _ = coco_labelled(folder, 8)
    image = read_image(path)
    works = {"decoding": lambda: read_image(path), "window": lambda: view(image, None), "all": ours}
    times = in_turn({name: over(work, repeats) for name, work in works.items()}, 3)
    found = {name: statistics.median(values) for name, values in times.items()}
    found["masks"] = found.pop("all") - found["decoding"] - found["window"]
    return found


def coco_labelled(folder: Path, count: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Our labelled view of a photograph and the usual one, of the same window."""
    view, (path, polygons) = WeakView(COCO), drawn(folder, count)
    labels = torch.zeros(count, dtype=torch.long)

    def ours() -> None:
        view(read_image(path), EncodedInstances(labels, polygons, 480, 640))

    def usual() -> None:
        window = view.window(480, 640)
        usual_image(path, window)
        usual_masks(polygons, window)

    return ours, usual


def usual_unlabelled(folder: Path) -> Callable[[], Any]:
    """The usual weak view with strong colours on all of the canvas."""
    view, jitter = WeakView(COCO), v2.ColorJitter(0.4, 0.4, 0.4, 0.1)

    def usual() -> None:
        strong = Image.fromarray(usual_image(folder / "photograph.jpg", view.window(480, 640)))
        if torch.rand(1) < 0.8:
            strong = jitter(strong)
        if torch.rand(1) < 0.2:
            strong = v2.functional.rgb_to_grayscale(strong, 3)
        if uniform(0, 1) < 0.5:
            strong = strong.filter(ImageFilter.GaussianBlur(uniform(0.1, 2.0)))
        np.asarray(strong)

    return usual


def usual_image(path: Path, window: Window) -> np.ndarray:
    """A window by way of the whole image: read, resized, cropped and padded."""
    scale, (left, top) = shift(window)
    picture = Image.open(path).convert("RGB")
    size = (round(picture.width * scale[0]), round(picture.height * scale[1]))
    pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    height, width = window.size
    canvas = np.full((*window.canvas, 3), 128, np.uint8)
    part = pixels[round(top) :, round(left) :][:height, :width]
    canvas[: part.shape[0], : part.shape[1]] = part
    return canvas[:, ::-1] if window.flip else canvas


def usual_masks(polygons: list[list[list[float]]], window: Window) -> np.ndarray:
    """Masks of polygons on the canvas, one after another."""
    (across, down), corner = shift(window)
    height, width = window.canvas
    masks = []
    for parts in polygons:
        moved = [
            (np.asarray(part).reshape(-1, 2) * [across, down] - corner).ravel().tolist()
            for part in parts
        ]
        encoded = rle.merge(rle.frPyObjects(moved, height, width))
        masks.append(rle.decode(encoded).astype(bool))
    return np.stack(masks)


def shift(window: Window) -> tuple[tuple[float, float], np.ndarray]:
    """The scale of a window's whole image across and down, and its corner in that image."""
    left, top, right, bottom = window.box
    scale = window.size[1] / (right - left), window.size[0] / (bottom - top)
    return scale, np.array([left * scale[0], top * scale[1]])


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


def drawn(folder: Path, count: int) -> tuple[Path, list[list[list[float]]]]:
    """A photograph's file, and polygons of its instances."""
    rng = np.random.RandomState(0)
    path = folder / "photograph.jpg"
    coarse = rng.randint(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).save(path)
    polygons = []
    for _ in range(count):
        x, y, radius = rng.uniform(0, 640), rng.uniform(0, 480), rng.uniform(5, 100)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        corners = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
        polygons.append([corners.clip(0, [640, 480]).ravel().tolist()])
    return path, polygons


def photograph(folder: Path, count: int) -> list[Callable[[], Any]]:
    """A photograph's view without targets, with run lengths, and with its masks decoded first."""
    view = WeakView(COCO)
    path, polygons = drawn(folder, count)
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
