"""Data sets of detectron2's catalog as COCO files, for a grid's `annotations: detectron2:NAME`."""

import difflib
import hashlib
import importlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gdsweep import atomic
from gdsweep.config.coco_format import CATALOG
from gdsweep.config.paths import cache_folder
from gdsweep.errors import BadInput

MODULES = "GDSWEEP_DETECTRON2_IMPORT"
"""Environment variable: the modules, comma-separated, that register the user's data sets."""


def catalog_file(name: str) -> Path:
    """The COCO instances file of a registered data set; made anew where the data set changed.

    It lies in the user's cache folder under a name that tells its content.

    Raises:
        BadInput: detectron2 or a module of $GDSWEEP_DETECTRON2_IMPORT cannot be imported, there is
            no such data set, or it has no class names.
    """
    catalog = _import("detectron2.data", "see docs/interop.md for how to install it")
    for module in filter(None, os.environ.get(MODULES, "").split(",")):
        _import(module.strip(), f"it is named in ${MODULES}")
    if name not in catalog.DatasetCatalog.list():
        known = sorted(catalog.DatasetCatalog.list())
        near = difflib.get_close_matches(name, known, n=3) or known[:5]
        raise BadInput(
            f"{CATALOG}{name}: detectron2 has no such data set; it has {', '.join(near)}, ...; "
            f"${MODULES} names the modules that register yours"
        )
    records = catalog.DatasetCatalog.get(name)
    metadata = catalog.MetadataCatalog.get(name)
    modes = _import("detectron2.structures", "it is a part of detectron2").BoxMode
    page = coco_page(records, metadata.as_dict(), lambda box, mode: modes.convert(box, mode, 1))
    text = json.dumps(page)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = cache_folder() / "detectron2" / f"{name}-{digest}.json"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, text)
    return path


def coco_page(
    records: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    to_xywh: Callable[[list[float], Any], Any],
) -> dict[str, Any]:
    """detectron2's list of dicts as a COCO instances dictionary.

    Args:
        records: one dict per image, in detectron2's standard form.
        metadata: `thing_classes`, and `thing_dataset_id_to_contiguous_id` where ids have gaps.
        to_xywh: converts a box and its mode to left, top, width, height.

    Raises:
        BadInput: no class names, or an instance or a name without a class of its own.
    """
    classes = metadata.get("thing_classes")
    if not classes:
        raise BadInput("detectron2: the data set's metadata has no thing_classes")
    given = metadata.get("thing_dataset_id_to_contiguous_id") or {n: n for n in range(len(classes))}
    ids = {label: number for number, label in given.items()}
    unnamed = {i["category_id"] for r in records for i in r.get("annotations", ())} - ids.keys()
    unnumbered = set(range(len(classes))) - ids.keys()
    if unnamed or unnumbered:
        raise BadInput(
            f"detectron2: class {min(unnamed | unnumbered)} is not among the data set's "
            f"{len(classes)} thing_classes and thing_dataset_id_to_contiguous_id"
        )
    whole = all(isinstance(r["image_id"], int) for r in records)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for place, record in enumerate(records, start=1):
        image = record["image_id"] if whole else place
        images.append(
            {
                "id": image,
                "file_name": os.path.abspath(record["file_name"]),
                "height": record["height"],
                "width": record["width"],
            }
        )
        for instance in record.get("annotations", ()):
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": ids[instance["category_id"]],
                "iscrowd": int(instance.get("iscrowd", 0)),
                "bbox": [float(v) for v in to_xywh(list(instance["bbox"]), instance["bbox_mode"])],
            }
            if "segmentation" in instance:
                annotation["segmentation"] = _plain(instance["segmentation"])
            annotations.append(annotation)
    categories = [{"id": ids[label], "name": name} for label, name in enumerate(classes)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _plain(segmentation: Any) -> Any:
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        counts = counts.decode("ascii") if isinstance(counts, bytes) else counts
        return {"size": [int(v) for v in segmentation["size"]], "counts": counts}
    return [np.asarray(polygon, float).ravel().tolist() for polygon in segmentation]


def _import(module: str, hint: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{module} cannot be imported ({error}); {hint}") from None
