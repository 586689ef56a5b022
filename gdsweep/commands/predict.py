"""Predict on photographs: overlays to look at, and COCO results.

`gdsweep predict CHECKPOINT IMAGES... --out DIR` writes, for each image, `NAME.png` with the
instances drawn on it, and for all of them `predictions.json` (COCO results) beside `images.json`
(the images and categories that its ids refer to).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gdsweep.commands.checkpoint_options import add_checkpoint_options, read_settings
from gdsweep.errors import DONE, BadInput


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog=program, description=__doc__)
    p.add_argument("checkpoint", type=Path, help="run directory, or weights in any format")
    p.add_argument("images", type=Path, nargs="+", help="image files and folders")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    add_checkpoint_options(p)
    p.add_argument("--threshold", type=float, default=0.5, metavar="S", help="least score drawn")
    p.add_argument("--detections", type=int, default=100, metavar="N", help="most per image")
    p.add_argument("--short-edge", type=int, metavar="PX", help="test size (default: the run's)")
    p.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    return p


def main(asked: argparse.Namespace) -> int:
    """Predict; returns the exit code."""
    if not 0 <= asked.threshold <= 1:
        raise BadInput(f"--threshold: {asked.threshold} is not between 0 and 1")
    if asked.detections < 1:
        raise BadInput(f"--detections: {asked.detections} is not 1 or more")
    files = image_files(asked.images)
    drawn = predict_files(files, asked)
    print(f"{len(files)} images, {drawn} instances drawn: {asked.out}")
    return DONE


def image_files(given: Sequence[Path]) -> list[Path]:
    """The image files among `given` and in its folders. Raises BadInput where one is not there."""
    from gdsweep.data.image_file import image_names

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


def predict_files(files: Sequence[Path], asked: argparse.Namespace) -> int:
    """Predict on each file and write what the module says; returns how many were drawn.

    Raises:
        BadInput: a checkpoint or an image that cannot be read.
    """
    # torch takes seconds to import: what can be refused is refused before
    import torch
    from PIL import Image

    from gdsweep import atomic
    from gdsweep.config import AugmentationSettings
    from gdsweep.data import resize_for_test
    from gdsweep.data.image_file import read_image
    from gdsweep.evaluate.predictions import coco_results
    from gdsweep.interop.class_names import categories
    from gdsweep.interop.open import open_checkpoint
    from gdsweep.interop.overlay import overlay

    opened = open_checkpoint(asked.checkpoint, asked.network, asked.at, read_settings(asked.config))
    views = opened.run.settings.augmentation if opened.run else AugmentationSettings()
    if asked.short_edge is not None:
        views = views.model_copy(update={"test_short_edge": asked.short_edge})
    model = opened.model().to(asked.device)
    ids, names = categories(opened)
    asked.out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    records, drawn = [], 0
    for number, (file, stem) in enumerate(zip(files, _stems(files), strict=True), start=1):
        image = read_image(file)
        size = (image.shape[-2], image.shape[-1])
        shown = resize_for_test(image, views).to(asked.device)
        with torch.no_grad():
            (found,) = model.predict([shown], [size], asked.detections)
        results += coco_results(found, number, ids)
        kept = found.scores >= asked.threshold
        drawn += int(kept.sum())
        records.append({"id": number, "file_name": str(file), "height": size[0], "width": size[1]})
        picture = overlay(image, found.labels[kept], found.scores[kept], found.masks[kept], names)
        with atomic.replacing(asked.out / f"{stem}.png") as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")
    kinds = [{"id": k, "name": name} for k, name in zip(ids, names, strict=True)]
    atomic.write_json_compact(asked.out / "predictions.json", results)
    page = {"images": records, "annotations": [], "categories": kinds}
    atomic.write_text(asked.out / "images.json", json.dumps(page, indent=1) + "\n")
    return drawn


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
