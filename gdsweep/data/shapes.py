"""Generated scenes of textured, occluding, rotated shapes over clutter; nothing to download.

A scene depends on (world, split, index) alone, at a given size, so a larger training set begins
with the scenes of a smaller one. Lengths below are for 64 x 64 pixels and grow with the size.

- Background: a dark colour, smooth noise, a faint texture.
- 2 to 4 objects of the classes disc, square, triangle and cross, radius 9 to 15 (number and radius
  are settings), any rotation, cut by the border at times. At least 60 % of an object's pixels in
  the frame stay visible: an object that would hide more is drawn again elsewhere, and left out
  where a hundred places would not do. Masks are of what is visible, hence disjoint.
- An object has one bright channel, a faint texture, and differs by 0.25 in some channel from each
  object it covers. Up to three lines and dots lie about, some on top of objects.
- Some scenes are blurred; contrast, brightness and pixel noise vary.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from pycocotools import mask as rle
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from gdsweep.config import ShapesData
from gdsweep.data import segmentation
from gdsweep.data.dataset import DatasetSplits
from gdsweep.data.instances import Instances
from gdsweep.data.sampler import derived_seed

CLASSES = ("disc", "square", "triangle", "cross")
MOST_OBJECTS = 4
TRIALS = 100  # places tried for an object
VISIBLE = 0.6  # least visible share of an object's pixels in the frame
CONTRAST = 0.25  # least difference in some channel between an object and those it covers
GENERATOR = 1  # goes up with every change of what is drawn


class Scene(NamedTuple):
    """One generated scene."""

    image: np.ndarray
    """RGB, uint8 [S, S, 3]."""
    owner: np.ndarray
    """Which object each pixel shows, uint8 [S, S]: 0 the background, k + 1 object k."""
    labels: list[int]
    """Class of each object, in the order of drawing."""


class ShapesDataset:
    """The scenes of one split, each generated when first asked for and then kept."""

    classes = CLASSES
    category_ids = tuple(range(1, len(CLASSES) + 1))

    def __init__(self, settings: ShapesData, split: str, count: int) -> None:
        self.settings, self.split, self.side = settings, split, settings.size
        size = settings.size
        self.names = [f"{split}/{index}" for index in range(count)]
        self.image_ids = range(1, count + 1)
        self._images = torch.zeros(count, size, size, 3, dtype=torch.uint8)
        self._owners = torch.zeros(count, size, size, dtype=torch.uint8)
        self._labels = torch.full((count, MOST_OBJECTS), -1)
        self._made = torch.zeros(count, dtype=torch.bool)

    def __len__(self) -> int:
        return len(self.names)

    def __getstate__(self) -> dict[str, Any]:
        # on its way to a loader worker: tensors travel as shared memory, so what is made here once
        # need not be made again in every worker
        for index in range(len(self)):
            self._make(index)
        return self.__dict__

    def image(self, index: int) -> Tensor:
        """Scene `index`: RGB, uint8 [3, S, S]."""
        self._make(index)
        return self._images[index].permute(2, 0, 1)

    def path(self, index: int) -> None:
        """No scene has a file."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of scene `index`."""
        return (self.side, self.side)

    def instances(self, index: int) -> Instances:
        """Classes and visible masks of the objects of scene `index`."""
        labels = self._labels_of(index)
        numbers = torch.arange(1, len(labels) + 1, dtype=torch.uint8)
        return Instances(labels, self._owners[index] == numbers[:, None, None])

    def labels_of(self, index: int) -> list[int]:
        """Label of each object of scene `index`."""
        return self._labels_of(index).tolist()

    def classes_of(self, index: int) -> frozenset[int]:
        """Labels in scene `index`."""
        return frozenset(self._labels_of(index).tolist())

    def trainable(self) -> Sequence[int]:
        """All scenes: each has an object."""
        return range(len(self))

    def annotated(self) -> Sequence[int]:
        """All scenes."""
        return range(len(self))

    def ground_truth(self) -> dict[str, Any]:
        """COCO instances dictionary of the split, masks as compressed RLE."""
        annotations: list[dict[str, Any]] = []
        for index, image_id in enumerate(self.image_ids):
            found = self.instances(index)
            masks = found.masks.to(torch.uint8).permute(1, 2, 0).numpy()
            encoded = rle.encode(np.asfortranarray(masks))
            areas = segmentation.areas(encoded)
            for label, mask, pixels in zip(found.labels.tolist(), encoded, areas, strict=True):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": self.category_ids[label],
                        "segmentation": {**mask, "counts": mask["counts"].decode("ascii")},
                        "area": float(pixels),
                        "bbox": rle.toBbox(mask).tolist(),
                        "iscrowd": 0,
                    }
                )
        return {
            "info": {},
            "images": [
                {"id": image_id, "file_name": name, "height": self.side, "width": self.side}
                for image_id, name in zip(self.image_ids, self.names, strict=True)
            ],
            "annotations": annotations,
            "categories": [
                {"id": number, "name": name}
                for number, name in zip(self.category_ids, self.classes, strict=True)
            ],
        }

    def _labels_of(self, index: int) -> Tensor:
        self._make(index)
        labels = self._labels[index]
        return labels[labels >= 0]

    def _make(self, index: int) -> None:
        if not self._made[index]:
            scene = draw_scene(self.settings, self.split, index)
            self._images[index] = torch.from_numpy(scene.image)
            self._owners[index] = torch.from_numpy(scene.owner)
            self._labels[index, : len(scene.labels)] = torch.tensor(scene.labels)
            self._made[index] = True


def open_shapes(settings: ShapesData, extra: bool = True) -> DatasetSplits:
    """The generated data set; its fingerprint is what the scenes follow from.

    There are no extra unlabelled images, whatever `extra` asks.
    """
    counts = {"train": settings.train, "val": settings.val, "test": settings.test}
    train, val, test = (ShapesDataset(settings, split, count) for split, count in counts.items())
    recipe = f"generator {GENERATOR}, world {settings.world}, size {settings.size}"
    for name in ("objects", "radius"):
        if getattr(settings, name) != ShapesData.model_fields[name].default:
            low, high = getattr(settings, name)
            recipe += f", {name} {low:g} to {high:g}"
    fingerprint = {split: f"{recipe}, {count} scenes" for split, count in counts.items()}
    return DatasetSplits(train, val, test, None, fingerprint)


def draw_scene(settings: ShapesData, split: str, index: int) -> Scene:
    """Generate one scene of `settings.size` squared pixels."""
    size = settings.size
    # RandomState's numbers are frozen across NumPy versions, those of newer generators are not
    key = derived_seed(settings.world, "scene", split, index)
    rng = np.random.RandomState([key >> 32, key & 0xFFFFFFFF])
    unit = size / 64
    canvas = _background(rng, size)
    clutter = [_clutter(rng, size) for _ in range(rng.randint(4))]
    for alpha, colour, on_top in clutter:
        if not on_top:
            _paint(canvas, alpha, colour)
    owner, labels = _objects(rng, canvas, settings)
    for alpha, colour, on_top in clutter:
        if on_top:
            _paint(canvas, alpha, colour)
    if rng.rand() < 0.3:
        sigma = rng.uniform(0.4, 0.9) * unit
        for axis in (0, 1):
            canvas = gaussian_filter1d(canvas, sigma, axis=axis, mode="nearest", truncate=3.0)
    contrast, brightness = rng.uniform(0.76, 1.12), rng.uniform(-0.09, 0.09)
    canvas = (canvas - 0.5) * contrast + 0.5 + brightness
    canvas += rng.standard_normal(canvas.shape) * rng.uniform(0.005, 0.05)
    return Scene((canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8), owner, labels)


def _objects(
    rng: np.random.RandomState, canvas: np.ndarray, settings: ShapesData
) -> tuple[np.ndarray, list[int]]:
    # later objects lie on top of earlier ones
    size = len(canvas)
    unit = size / 64
    owner = np.zeros((size, size), np.uint8)
    labels: list[int] = []
    colours: list[np.ndarray] = []
    extents: list[int] = []
    fewest, most = settings.objects
    for _ in range(rng.randint(fewest, most + 1)):
        label, radius = rng.randint(len(CLASSES)), rng.uniform(*settings.radius) * unit
        for _ in range(TRIALS):
            distance = _distance(rng, label, radius, size)
            inside = distance < 0
            left = np.bincount(owner[~inside], minlength=len(labels) + 1)[1:]
            if all(left[k] >= VISIBLE * extents[k] for k in range(len(labels))):
                break
        else:
            continue
        below = np.flatnonzero(np.bincount(owner[inside], minlength=len(labels) + 1)[1:])
        colour = _colour(rng, [colours[k] for k in below])
        painted = colour + rng.uniform(0, 0.1) * _texture(rng, size)[..., None]
        _paint(canvas, (0.5 - distance).clip(0, 1), painted)
        labels.append(label)
        colours.append(colour)
        extents.append(int(inside.sum()))
        owner[inside] = len(labels)
    return owner, labels


def _colour(rng: np.random.RandomState, covered: list[np.ndarray]) -> np.ndarray:
    while True:
        colour = rng.uniform(0.3, 1, 3)
        colour[rng.randint(3)] = rng.uniform(0.8, 1)
        if all(np.abs(colour - other).max() >= CONTRAST for other in covered):
            return colour


def _distance(rng: np.random.RandomState, label: int, radius: float, size: int) -> np.ndarray:
    # signed distance (about) of each pixel to the outline of a shape at a random place, inside < 0
    y, x = _grid(size)
    cy, cx = rng.uniform(0.08, 0.92, 2) * size
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    u, v = (x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin
    match CLASSES[label]:
        case "disc":
            return np.hypot(u, v) - radius
        case "square":
            return np.maximum(np.abs(u), np.abs(v)) - radius / np.sqrt(2)
        case "triangle":
            slant = np.sqrt(3) / 2 * np.abs(u) + v / 2
            return np.maximum(slant, -v) - radius / 2
    u, v, arm = np.abs(u), np.abs(v), 0.34 * radius
    return np.minimum(np.maximum(u - radius, v - arm), np.maximum(u - arm, v - radius))


def _background(rng: np.random.RandomState, size: int) -> np.ndarray:
    basis = _smooth_basis(size)
    noise = np.stack([basis @ rng.standard_normal((6, 6)) @ basis.T for _ in range(3)], -1)
    texture = rng.uniform(0, 0.08) * _texture(rng, size)[..., None]
    return rng.uniform(0.05, 0.42, 3) + 0.06 * noise + texture


def _texture(rng: np.random.RandomState, size: int) -> np.ndarray:
    # a pattern of about -1 to 1: flat, stripes, checker, gradient or blob
    y, x = _grid(size)
    kind, angle, phase = rng.randint(5), rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    wave = 2 * np.pi / (rng.uniform(4, 12) * size / 64)
    cy, cx = rng.uniform(0, size, 2)
    u = x * np.cos(angle) + y * np.sin(angle)
    match kind:
        case 0:
            return np.zeros((size, size))
        case 1:
            return np.sin(u * wave + phase)
        case 2:
            v = y * np.cos(angle) - x * np.sin(angle)
            return np.sign(np.sin(u * wave + phase) * np.sin(v * wave + phase))
        case 3:
            return (u - u.mean()) / (size / 2)
    return 2 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (size / 5) ** 2)) - 1


def _clutter(rng: np.random.RandomState, size: int) -> tuple[np.ndarray, np.ndarray, bool]:
    # a line or a dot: its coverage, colour, and whether it lies on top of the objects
    y, x = _grid(size)
    (y0, y1), (x0, x1) = rng.uniform(0, size, (2, 2))
    if rng.rand() < 0.5:
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
        along = along.clip(0, 1)
        distance = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        half_width = rng.uniform(0.4, 1.0) * size / 64
    else:
        distance = np.hypot(x - x0, y - y0)
        half_width = rng.uniform(1.0, 2.5) * size / 64
    alpha = (half_width + 0.5 - distance).clip(0, 1)
    return alpha, rng.uniform(0.1, 0.9, 3), bool(rng.rand() < 0.5)


def _paint(canvas: np.ndarray, alpha: np.ndarray, colour: np.ndarray) -> None:
    canvas += alpha[..., None] * (colour - canvas)


@lru_cache(maxsize=4)
def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size] + 0.5
    return y, x


@lru_cache(maxsize=4)
def _smooth_basis(size: int) -> np.ndarray:
    # [size, 6]: rows of unit norm, so that random numbers of variance 1 make noise of variance 1
    centres = (np.arange(6) + 0.5) / 6 * size
    basis = np.exp(-(((np.arange(size) + 0.5)[:, None] - centres) ** 2) / (2 * (size / 6) ** 2))
    return basis / np.linalg.norm(basis, axis=1, keepdims=True)
