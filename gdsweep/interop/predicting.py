"""Predictions on photographs: overlays to look at, and COCO results.

For each image `NAME.png` with the instances drawn on it, and for all of them `predictions.json`
(COCO results) beside `images.json` (the images and categories that its ids refer to).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pycocotools import mask as rle
from torch import Tensor

from gdsweep import atomic
from gdsweep.config import AugmentationSettings, Scaling
from gdsweep.config.tiles import Tiling
from gdsweep.data import resize_for_test
from gdsweep.data.image_file import image_names, read_image
from gdsweep.errors import BadInput
from gdsweep.evaluate.predictions import coco_results
from gdsweep.evaluate.tiles import Instance, predict_in_tiles
from gdsweep.interop.annotated import Annotated
from gdsweep.interop.class_names import categories
from gdsweep.interop.open import Opened
from gdsweep.interop.overlay import overlay, side_by_side


class _Decoded(Sequence[Tensor]):
    """Masks of run lengths, bool [H, W], each made when it is asked for."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._instances = instances

    def __len__(self) -> int:
        return len(self._instances)

    def __getitem__(self, place: Any) -> Any:
        return torch.from_numpy(rle.decode(self._instances[place].mask)).bool()


def image_files(given: Sequence[Path]) -> list[Path]:
    """The image files among `given` and in its folders. Raises BadInput where one is not there."""
    files: list[Path] = []
    for path in given:
        if path.is_dir():
            names, _ = image_names(path)
            if not names:
                raise BadInput(f"{path}: no image file in it")
            files += [path / name for name in names]
        elif path.is_file():
            files.append(path)
        else:
            raise BadInput(f"{path}: no such image file or folder")
    return files


def predict_files(
    files: Sequence[Path],
    opened: Opened,
    out: Path,
    *,
    threshold: float = 0.5,
    detections: int = 100,
    tiling: Tiling | None = None,
    short_edge: int | None = None,
    scaling: Scaling | None = None,
    device: str = "cpu",
    outlines: bool = False,
    ground_truth: Path | None = None,
) -> int:
    """Predict on each file and write what the module says; returns how many instances were drawn.

    Args:
        files: Images.
        opened: The network.
        out: Folder to write to.
        threshold: Least score that is drawn.
        detections: Most instances per image, or per tile.
        tiling: Tiles of images that are larger than one; None sees all whole.
        short_edge: Test size in pixels; None is the run's own.
        scaling: How images of more than 8 bits are read; None is as the run's data set, without a
            run by the upper 8 of 16 bits.
        device: `cpu`, `cuda` or any other that torch has here.
        outlines: Draw outlines alone, see `overlay`.
        ground_truth: COCO file whose objects are drawn too, left of the predictions.

    Raises:
        BadInput: an image that cannot be read or is not in the COCO file, or a device that is not
            here.
    """
    annotated = None if ground_truth is None else Annotated(ground_truth, files)
    if scaling is None:
        scaling = opened.run.settings.dataset.pixel_scaling if opened.run else "full"
    views = opened.run.settings.augmentation if opened.run else AugmentationSettings()
    if short_edge is not None:
        views = views.model_copy(update={"test_short_edge": short_edge})
    model = opened.model().to(_device(device))
    ids, names = categories(opened)
    out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    records, drawn = [], 0
    for number, (file, stem) in enumerate(zip(files, _stems(files), strict=True), start=1):
        image = read_image(file, scaling)
        size = (image.shape[-2], image.shape[-1])
        if tiling is not None and not tiling.fits(size):
            merged = predict_in_tiles([model], image, tiling, views, detections)
            assert merged is not None, "nobody stops it"
            results += coco_results(merged[0], number, ids)
            labels, scores, masks = _sure_in_tiles(merged[0], threshold)
        else:
            shown = resize_for_test(image, views).to(device)
            with torch.no_grad():
                (found,) = model.predict([shown], [size], detections)
            results += coco_results(found, number, ids)
            kept = found.scores >= threshold
            labels, scores, masks = found.labels[kept], found.scores[kept], found.masks[kept]
        drawn += len(scores)
        records.append({"id": number, "file_name": str(file), "height": size[0], "width": size[1]})
        picture = overlay(image, labels, scores, masks, names, outlines)
        if annotated is not None:
            truth = annotated.of(file, size)
            objects = truth.labels, None, truth.masks
            picture = side_by_side(overlay(image, *objects, annotated.classes, outlines), picture)
        with atomic.replacing(out / f"{stem}.png") as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")
    kinds = [{"id": k, "name": name} for k, name in zip(ids, names, strict=True)]
    atomic.write_json_compact(out / "predictions.json", results)
    page = {"images": records, "annotations": [], "categories": kinds}
    atomic.write_text(out / "images.json", json.dumps(page, indent=1) + "\n")
    return drawn


def _sure_in_tiles(
    instances: Sequence[Instance], threshold: float
) -> tuple[Tensor, Tensor, Sequence[Tensor] | Tensor]:
    sure = [one for one in instances if one.score >= threshold]
    labels = torch.tensor([one.label for one in sure])
    return labels, torch.tensor([one.score for one in sure]), _Decoded(sure)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{name}: no device that torch can use here ({reason})") from None
    return device


def _stems(files: Sequence[Path]) -> list[str]:
    # two images of one name in two folders must not overwrite each other
    used: set[str] = set()
    stems = []
    for file in files:
        stem, count = file.stem, 2
        while stem in used:
            stem, count = f"{file.stem}-{count}", count + 1
        used.add(stem)
        stems.append(stem)
    return stems
