"""Targets that the weak views of COCO and Cityscapes leave without a pixel, counted in miniature.

    python benchmarks/crops.py

The presets' views, on the drawn scenes that `launch.py --smoke` trains on and smaller in the same
measure: Cityscapes' frames are 64 x 128 pixels, its crops 32 x 64; COCO's crops are 96 x 96. A
count, no time: the same numbers on every machine. What training on such targets does is measured
by `benchmarks/empty_targets.yaml`.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from gdsweep.config import AugmentationSettings, CityscapesData, CocoData, ImageSet
from gdsweep.data import ImageDataset, LabelledView, miniature, open_dataset
from gdsweep.grid import load_grid

PAGE = "title: Views\naxes: {dataset: [cityscapes, coco]}\nsettings: {method: supervised}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=100, help="views of each image")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "page.yaml").write_text(PAGE)
        presets = {
            cell.settings.dataset.name: cell.settings.augmentation
            for cell in load_grid(folder / "page.yaml").cells
        }
        miniature.write_miniatures(folder / "data")
        print(
            f"{'data set':12} {'empty_targets':14} {'targets a view':>14} {'without a pixel':>16}"
        )
        for name, views in presets.items():
            for kept in ("none", "in-window", "all"):
                chosen = shrunk(views).model_copy(update={"empty_targets": kept})
                targets, empty, count = counted(dataset(name, folder / "data"), chosen, options)
                default = " *" if kept == views.empty_targets else ""
                share = f"{100 * empty / targets:.1f} %"
                print(f"{name:12} {kept + default:14} {targets / count:14.2f} {share:>16}")
        print("*: the preset's, as the public code")


def dataset(name: str, folder: Path) -> ImageDataset:
    """The training images of a miniature."""
    if name == "cityscapes":
        return open_dataset(CityscapesData(name=name, root=str(folder / name))).train
    sets = {
        split: ImageSet(images=images, annotations=f"annotations/instances_{images}.json")
        for split, images in (("train", "train2017"), ("val", "val2017"))
    }
    return open_dataset(CocoData(name=name, root=str(folder / name), **sets)).train


def shrunk(views: AugmentationSettings) -> AugmentationSettings:
    """A preset's views at the miniatures' size."""
    if views.geometry == "scale-jitter":
        return views.model_copy(update={"crop": (96, 96)})
    edges = tuple(edge // 16 for edge in views.short_edges)
    crop = (views.crop[0] // 16, views.crop[1] // 16)
    return views.model_copy(update={"short_edges": edges, "crop": crop})


def counted(
    images: ImageDataset, views: AugmentationSettings, options: argparse.Namespace
) -> tuple[int, int, int]:
    """Targets, those without a pixel, and views."""
    view = LabelledView(views)
    targets = empty = count = 0
    torch.manual_seed(0)
    for index in images.trainable():
        for _ in range(options.views):
            found = view(images, index).targets
            assert found is not None
            targets += len(found)
            empty += int((~found.masks.flatten(1).any(1)).sum())
            count += 1
    return targets, empty, count


if __name__ == "__main__":
    main()
