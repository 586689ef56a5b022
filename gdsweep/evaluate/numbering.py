"""Ids that scorers can work with: images, categories and annotations numbered 1 to n.

pycocotools and faster-coco-eval write the id of the matched annotation into a table whose 0 says
that there is no match: an annotation with id 0 can never be found. Besides, faster-coco-eval scores
negative ids and those beyond 64 bits as never found. A file's own ids are for the file's readers:
they stay in predictions, and no scorer sees them.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from gdsweep.errors import BadInput

Entry = dict[str, Any]


def numbered(
    ground_truth: dict[str, Any], results: Sequence[Entry]
) -> tuple[dict[str, Any], list[Entry]]:
    """Copies of a COCO instances dictionary and of its results under ids that any scorer takes.

    Images and categories are numbered in the order of their ids, so that ties between equal scores
    fall as they would under the file's own; annotations in the order in which they are listed.

    Raises:
        BadInput: two images or two categories have one id, or an annotation or a result is of an
            image or category that is not in the ground truth.
    """
    images = _numbers("image", ground_truth["images"])
    categories = _numbers("category", ground_truth["categories"])

    def moved(kind: str, entry: Entry) -> Entry:
        return {
            **entry,
            "image_id": _number("image", images, entry["image_id"], kind),
            "category_id": _number("category", categories, entry["category_id"], kind),
        }

    truth = {
        **ground_truth,
        "images": [{**image, "id": images[image["id"]]} for image in ground_truth["images"]],
        "categories": [{**c, "id": categories[c["id"]]} for c in ground_truth["categories"]],
        "annotations": [
            {**moved("annotation", annotation), "id": number}
            for number, annotation in enumerate(ground_truth["annotations"], start=1)
        ],
    }
    return truth, [moved("prediction", result) for result in results]


def _numbers(kind: str, entries: Iterable[Entry]) -> dict[Any, int]:
    ids = sorted(entry["id"] for entry in entries)
    for one, other in itertools.pairwise(ids):
        if one == other:
            raise BadInput(f"ground truth: {kind} id {one} is there twice; each must be unique")
    return {number: place for place, number in enumerate(ids, start=1)}


def _number(kind: str, numbers: dict[Any, int], own: Any, of: str) -> int:
    try:
        return numbers[own]
    except KeyError:
        raise BadInput(f"ground truth has no {kind} id {own}, which {of}s have") from None
